"""Questions about changes, and the values per trace that their answers rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.models import Observation, QuestionRow
from schemas.queries.scope import across_projects
from schemas.queries.traces import SEGMENT_COLUMNS, SEGMENT_SQL

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


def trace_values(
    store: Store, project: str, metric: str, start_ns: int, end_ns: int, limit: int = 500_000
) -> list[Observation]:
    """The value of a metric of METRICS for each trace that began in [start, end), by time, with
    segment columns; at most `limit`, drawn by the hash of the trace's id. [] for others."""
    if metric not in METRICS:
        return []
    rows = store.rows(
        f"""
        SELECT s.trace_id AS trace_id, any(s.session_id) AS session,
               toUnixTimestamp64Nano(min(s.start_time)) AS time, {METRICS[metric]} AS value,
               {SEGMENT_SQL}
        FROM spans AS s FINAL
        WHERE s.project = {{project:String}}
          AND s.start_time >= fromUnixTimestamp64Nano({{start:Int64}})
          AND s.start_time < fromUnixTimestamp64Nano({{end:Int64}})
        GROUP BY s.trace_id ORDER BY cityHash64(trace_id) LIMIT {{limit:UInt32}}
        """,
        project=project, start=start_ns, end=end_ns, limit=limit,
    )  # fmt: skip
    return sorted(
        (Observation(r["trace_id"], r["session"], int(r["time"]), float(r["value"]),
                     {name: r[f"segment_{name}"] for name in SEGMENT_COLUMNS}) for r in rows),
        key=lambda row: row.time,
    )  # fmt: skip
