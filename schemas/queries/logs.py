"""OTLP log records: insert, and read beside the spans that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.gen_ai_events import EVENTS, Said, read
from schemas.models import LogRow


def insert_logs(store: Store, rows: Sequence[LogRow], token: str) -> None:
    """One segment = one INSERT = one deduplication token (design section 4)."""
    store.insert("logs_in", rows, token)


def trace_logs(store: Store, project: str, trace_id: str) -> list[dict[str, Any]]:
    """Log records of one trace by time, each once, whether its spans have come or not: the
    columns of LogRow less `segment`, plus time_ns."""
    return store.rows(
        """
        SELECT *, toUnixTimestamp64Nano(time) AS time_ns FROM logs FINAL
        WHERE project = {project:String} AND trace_id = {trace:String} ORDER BY time, log_id
        """,
        project=project,
        trace=trace_id,
    )


def messages_of(store: Store, project: str, traces: Sequence[str]) -> dict[str, dict[str, Said]]:
    """By trace and span id the messages that came as log events."""
    rows = store.rows(
        """
        SELECT trace_id, span_id, toString(event_name) AS event_name, body, attributes
        FROM logs FINAL
        WHERE project = {project:String} AND trace_id IN {traces:Array(String)} AND span_id != ''
          AND (event_name IN {events:Array(String)}
               OR attributes['event.name'] IN {events:Array(String)})
        ORDER BY time, log_id
        """,
        project=project,
        traces=list(traces),
        events=list(EVENTS),
    )
    by_trace: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_trace.setdefault(row["trace_id"], []).append(row)
    return {trace: read(records) for trace, records in by_trace.items()}


def count_logs(store: Store, project: str) -> int:
    """Number of distinct log records of a project."""
    rows = store.rows(
        "SELECT count() AS n FROM logs FINAL WHERE project = {project:String}", project=project
    )
    return int(rows[0]["n"])
