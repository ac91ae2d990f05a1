"""Which topics grew, shrank or appeared: a question of the Drift page that the monitors answer.

It is a row of `questions`, as the page and the monitors know nothing of each other.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass

from schemas.clickhouse import Store
from schemas.models import QuestionRow
from schemas.queries import questions


@dataclass(frozen=True, slots=True)
class Ranges:
    """The reference is [start, split), the current range [split, end), in ns."""

    start_ns: int
    split_ns: int
    end_ns: int


def ask(store: Store, project: str, asked: Ranges) -> str:
    """Store the question; its id, the same for the same question. One that has an answer or waits
    for it is not asked again."""
    said = json.dumps({"topics": asdict(asked)}, sort_keys=True)
    now = time.time_ns() // 10**6
    row = QuestionRow(
        project, "topics-" + hashlib.sha256(said.encode()).hexdigest()[:17], said, "waiting", "",
        now, now * 1000,
    )  # fmt: skip
    found = questions.question(store, project, row.question_id)
    if found is None or found["status"] == "failed":
        questions.insert_questions(store, [row])
    return row.question_id


def wanted(document: str) -> Ranges | None:
    """The ranges of a stored document; None where it is another question. Raises TypeError."""
    try:
        found = json.loads(document)
    except ValueError:
        return None
    held = found.get("topics") if isinstance(found, dict) else None
    return Ranges(**held) if isinstance(held, dict) else None
