"""A question about a change: which measure, which two windows, which columns to search.

Pages and the process that searches know nothing of each other; this is what they agree on.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace

from schemas.clickhouse import Store
from schemas.models import QuestionRow
from schemas.queries import dimensions, questions
from schemas.queries.traces import SEGMENT_COLUMNS

DAY_NS = 86_400 * 10**9
LONGEST = 90  # days of both windows together


@dataclass(frozen=True, slots=True)
class Question:
    """`metric` is one of schemas.queries.questions.METRICS or `score:<evaluator>`; the reference
    window is [start, split), the current one [split, end), in ns; `columns` as
    schemas.queries.dimensions knows them."""

    metric: str
    start_ns: int
    split_ns: int
    end_ns: int
    columns: tuple[str, ...] = SEGMENT_COLUMNS

    @property
    def id(self) -> str:
        """The same for the same question."""
        said = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:24]


def checked(asked: Question) -> Question:
    """The question, its columns in their usual order. Raises ValueError that says what is wrong."""
    known = (*questions.METRICS, "score:NAME")
    if asked.metric not in questions.METRICS and not asked.metric.startswith("score:"):
        raise ValueError(f"the metric is one of {', '.join(known)}")
    if not asked.start_ns < asked.split_ns < asked.end_ns:
        raise ValueError("the reference window must begin before the current one, and that end")
    if asked.end_ns - asked.start_ns > LONGEST * DAY_NS:
        raise ValueError(f"both windows together are longer than {LONGEST} days")
    return replace(asked, columns=dimensions.checked(asked.columns))


def read(document: str) -> Question:
    """The question of a stored document. Raises ValueError, KeyError, TypeError."""
    found = json.loads(document)
    return checked(Question(**{**found, "columns": tuple(found["columns"])}))


def ask(store: Store, project: str, asked: Question) -> str:
    """Store a question to be answered, also one that was answered before; its id. Raises
    ValueError."""
    asked = checked(asked)
    now = time.time_ns()
    row = QuestionRow(project, asked.id, json.dumps(asdict(asked)), "waiting", "",
                      now // 10**6, now // 10**3)  # fmt: skip
    questions.insert_questions(store, [row])
    return asked.id
