"""Questions about changes, and the metrics that they may be about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.models import QuestionRow
from schemas.queries.scope import across_projects

# Metric -> its value for one trace.
METRICS = {
    "latency_ms": "maxIf(s.duration_ns, s.parent_span_id = '') / 1e6",
    "failed": "toFloat64(max(s.status = 'ERROR'))",
    "cost_usd": "toFloat64(sum(s.cost_usd))",
    "input_tokens": "toFloat64(sum(s.input_tokens))",
    "output_tokens": "toFloat64(sum(s.output_tokens))",
    "output_length": "toFloat64(max(s.output_length))",
}


def insert_questions(store: Store, rows: Sequence[QuestionRow]) -> None:
    store.insert("questions", rows)


@across_projects("what waits for the monitors")
def waiting(store: Store, limit: int = 20) -> list[dict[str, Any]]:
    """Questions without an answer, oldest first: project, question_id, document, asked_ms."""
    return store.rows(
        """
        SELECT toString(project) AS project, question_id, document,
               toUnixTimestamp64Milli(asked_at) AS asked_ms
        FROM questions FINAL WHERE status = 'waiting' ORDER BY asked_at LIMIT {limit:UInt32}
        """,
        limit=limit,
    )


def question(store: Store, project: str, question_id: str) -> dict[str, Any] | None:
    """One question: document, status, answer, asked_ms; None where there is none."""
    rows = store.rows(
        """
        SELECT document, toString(status) AS status, answer,
               toUnixTimestamp64Milli(asked_at) AS asked_ms
        FROM questions FINAL
        WHERE project = {project:String} AND question_id = {question:String}
        """,
        project=project, question=question_id,
    )  # fmt: skip
    return rows[0] if rows else None
