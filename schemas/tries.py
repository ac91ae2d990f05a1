"""A test of an alert that somebody asks for on a page, and the monitors send.

It is a row of `questions`, since pages and monitors know nothing of each other: the page stores
whose alert is to be tried, the monitors store what came back.
"""

from __future__ import annotations

import hashlib
import json
import time

from schemas.clickhouse import Store
from schemas.models import QuestionRow
from schemas.queries import questions

STALE_MS = 5 * 60_000  # after which a test is not sent any more: nobody waits for it
EVERY_MS = 10_000  # presses of the button within so long are one test


def ask(store: Store, project: str, name: str, author: str, now_ms: int = 0) -> str:
    """Ask for a test of an alert by its name in assay.yaml; the id of the request."""
    now = now_ms or time.time_ns() // 10**6
    said = json.dumps({"test_alert": name, "author": author, "at": now // EVERY_MS})
    row = QuestionRow(
        project, "test-" + hashlib.sha256(said.encode()).hexdigest()[:19], said, "waiting", "",
        now, now * 1000,
    )  # fmt: skip
    if questions.question(store, project, row.question_id) is None:
        questions.insert_questions(store, [row])
    return row.question_id


def wanted(document: str) -> str:
    """The alert that a stored document asks to test, "" where it is a question about a change."""
    try:
        found = json.loads(document)
    except ValueError:
        return ""
    return str(found.get("test_alert", "")) if isinstance(found, dict) else ""
