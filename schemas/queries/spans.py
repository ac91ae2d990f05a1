"""Spans: insert, list, read one trace, count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.models import SpanRow

# Columns that monitors and pages may segment by, as trace-level aggregates over `spans`.
SEGMENT_COLUMNS = (
    "model",
    "prompt_version",
    "service_version",
    "environment",
    "document_source",
    "service",
)
SEGMENT_SQL = ", ".join(
    f"anyIf(toString({name}), {name} != '') AS segment_{name}" for name in SEGMENT_COLUMNS
)


def insert_spans(store: Store, rows: Sequence[SpanRow], token: str) -> None:
    """One segment = one INSERT = one deduplication token (design section 4)."""
    store.insert("spans_in", rows, token)


def projects(store: Store) -> list[str]:
    """Names of projects that hold spans."""
    return [
        r["project"]
        for r in store.rows("SELECT DISTINCT toString(project) AS project FROM spans ORDER BY 1")
    ]


def span_ids(store: Store, project: str) -> list[tuple[str, str]]:
    """Every (trace id, span id) of a project, each once."""
    found = store.rows(
        "SELECT trace_id, span_id FROM spans FINAL WHERE project = {project:String}",
        project=project,
    )
    return [(r["trace_id"], r["span_id"]) for r in found]


def count_spans(store: Store, project: str) -> int:
    """Number of distinct spans of a project."""
    rows = store.rows(
        "SELECT count() AS n FROM spans FINAL WHERE project = {project:String}", project=project
    )
    return int(rows[0]["n"])


def stored_by_ledger(store: Store) -> dict[str, int]:
    """Spans stored per project by the ledger (re-sends counted, as the collector counts them)."""
    rows = store.rows(
        "SELECT toString(project) AS project, sum(spans) AS n FROM segments FINAL GROUP BY project"
    )
    return {r["project"]: int(r["n"]) for r in rows}


def list_traces(
    store: Store, project: str, start_ns: int, end_ns: int, limit: int = 100, search: str = ""
) -> list[dict[str, Any]]:
    """Newest traces of a time range: trace_id, start_ns, duration_ms, name, input, output, spans,
    errors, input_tokens, output_tokens, cost_usd, and a segment_* column per segment column."""
    return store.rows(
        f"""
        SELECT trace_id, min(toUnixTimestamp64Nano(start_time)) AS start_ns,
               (max(toUnixTimestamp64Nano(start_time) + duration_ns) - start_ns) / 1e6
                   AS duration_ms,
               anyIf(toString(s.name), parent_span_id = '') AS name,
               anyIf(input_preview, parent_span_id = '') AS input,
               anyIf(output_preview, parent_span_id = '') AS output,
               any(s.session_id) AS session_id, count() AS spans,
               countIf(status = 'ERROR') AS errors, sum(s.input_tokens) AS input_tokens,
               sum(s.output_tokens) AS output_tokens, sum(s.cost_usd) AS cost_usd, {SEGMENT_SQL}
        FROM spans AS s FINAL
        WHERE project = {{project:String}}
          AND start_time >= fromUnixTimestamp64Nano({{start:Int64}})
          AND start_time < fromUnixTimestamp64Nano({{end:Int64}})
        GROUP BY trace_id
        HAVING {{search:String}} = '' OR positionCaseInsensitiveUTF8(
            concat(trace_id, ' ', name, ' ', input, ' ', output), {{search:String}}) > 0
        ORDER BY start_ns DESC LIMIT {{limit:UInt32}}
        """,
        project=project,
        start=start_ns,
        end=end_ns,
        limit=limit,
        search=search,
    )


def trace_spans(store: Store, project: str, trace_id: str) -> list[dict[str, Any]]:
    """All spans of one trace by start time, each once, with full text: the columns of `spans`
    less previews, plus start_ns, input, output, documents, events, links."""
    rows = store.rows(
        """
        SELECT *, toUnixTimestamp64Nano(start_time) AS start_ns FROM spans FINAL
        WHERE project = {project:String} AND trace_id = {trace:String} ORDER BY start_time
        """,
        project=project,
        trace=trace_id,
    )
    texts = store.rows(
        """
        SELECT span_id, input, output, documents, events, links FROM span_payloads
        WHERE project = {project:String} AND trace_id = {trace:String}
        ORDER BY ingested_at DESC LIMIT 1 BY span_id
        """,
        project=project,
        trace=trace_id,
    )
    by_id = {text["span_id"]: text for text in texts}
    # A view fills each table: for a moment a span may be there and its text not yet.
    absent = {"input": "", "output": "", "documents": [], "events": "", "links": ""}
    return [{**row, **by_id.get(row["span_id"], absent)} for row in rows]


def time_range(store: Store, project: str) -> tuple[int, int]:
    """(first, last) span start in ns; (0, 0) for an empty project."""
    rows = store.rows(
        """
        SELECT toUnixTimestamp64Nano(min(start_time)) AS a,
               toUnixTimestamp64Nano(max(start_time)) AS b
        FROM spans WHERE project = {project:String} HAVING count() > 0
        """,
        project=project,
    )
    return (int(rows[0]["a"]), int(rows[0]["b"])) if rows else (0, 0)
