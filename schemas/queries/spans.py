"""Spans: insert, read one trace, count. Lists of traces are in traces.py."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.gen_ai_events import Said
from schemas.models import SpanRow
from schemas.queries.logs import messages_of
from schemas.queries.scope import across_projects
from schemas.queries.traces import SEGMENT_COLUMNS, SEGMENT_SQL, list_traces, trace_times

__all__ = [
    "SEGMENT_COLUMNS", "SEGMENT_SQL", "count_spans", "insert_spans", "list_traces", "newest",
    "projects", "span_ids", "time_range", "trace_spans",
]  # fmt: skip


# A text may arrive a moment after its span: an INSERT fills one table after the other.
NO_TEXT: dict[str, Any] = {
    "input": "", "output": "", "documents": [], "events": "", "links": "", "input_messages": "",
    "output_messages": "", "document_ids": [], "document_scores": [], "document_sources": [],
    "tool_ids": [], "tool_arguments": [], "tool_result_ids": [], "tool_results": [],
}  # fmt: skip
# Within how many hours a project's first span is looked for after the first of all projects, and
# its last before the last of all; 0: in all that there is. Each stretch is a few times as long as
# the one that was empty, so little is read beyond what had to be.
OLDEST = (24, 4 * 24, 16 * 24, 64 * 24, 0)
NEWEST = (1, 8, 64, 512, 0)
# How far outside a trace's recorded times its spans are looked for: one may just be arriving.
NEAR = 5 * 60 * 10**9


def insert_spans(store: Store, rows: Sequence[SpanRow], token: str) -> None:
    """One segment = one INSERT = one deduplication token (design section 4)."""
    store.insert("spans_in", rows, token)


@across_projects("the names of the projects")
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


def trace_spans(
    store: Store, project: str, trace_id: str, only: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """All spans of one trace by start time (or `only` those with these ids), each once, with full
    text: the columns of `spans` less previews, plus start_ns and those of `span_texts`. Messages
    that came as log events fill what the span itself lacks."""
    first, last = trace_times(store, project, [trace_id]).get(trace_id, (NEAR, 2**63 - 1 - NEAR))
    named: dict[str, Any] = {
        "project": project, "trace": trace_id, "first": first - NEAR, "last": last + NEAR
    }  # fmt: skip
    inside = """WHERE project = {project:String} AND trace_id = {trace:String}
          AND start_time >= fromUnixTimestamp64Nano({first:Int64})
          AND start_time <= fromUnixTimestamp64Nano({last:Int64})"""
    mine = "PREWHERE trace_id = {trace:String}"  # of the sorting key: FINAL sees what it must
    if only:
        mine += " AND span_id IN {only:Array(String)}"
        inside += " AND span_id IN {only:Array(String)}"
        named["only"] = list(only)
    rows = store.rows(
        f"""
        SELECT *, toUnixTimestamp64Nano(start_time) AS start_ns FROM spans FINAL
        {mine} {inside} ORDER BY start_time
        """,
        **named,
    )
    if not rows:
        return []
    # Texts are written at once with their spans, so of a few spans of a long trace only what began
    # when they did is read.
    named |= {"first": rows[0]["start_ns"], "last": rows[-1]["start_ns"]}
    texts = store.rows(
        f"""
        SELECT * EXCEPT (project, trace_id, start_time, retention_days, ingested_at) FROM span_texts
        {inside} ORDER BY ingested_at DESC LIMIT 1 BY span_id
        """,
        **named,
    )
    by_id = {text["span_id"]: text for text in texts}
    said = messages_of(store, project, [trace_id]).get(trace_id, {})
    return [
        joined({**NO_TEXT, **row, **by_id.get(row["span_id"], {})}, said.get(row["span_id"]))
        for row in rows
    ]


def joined(row: dict[str, Any], said: Said | None) -> dict[str, Any]:
    if said is None:
        return row
    into, out = said.messages_in, said.messages_out
    return {
        **row,
        "input": row["input"] or said.input,
        "output": row["output"] or said.output,
        "input_messages": row["input_messages"] or (json.dumps(into) if into else ""),
        "output_messages": row["output_messages"] or (json.dumps(out) if out else ""),
        "finish_reason": row["finish_reason"] or said.finish_reason,
    }


def time_range(store: Store, project: str) -> tuple[int, int]:
    """(first, last) span start in ns; (0, 0) for an empty project."""
    last = newest(store, project)
    if not last:
        return 0, 0
    first = 0
    for hours in OLDEST:
        # What all projects began with is known from the parts' own bounds.
        near = "start_time < (SELECT min(start_time) FROM spans) + toIntervalHour({hours:UInt32})"
        first = _edge(store, project, "min", near if hours else "1", hours=hours)
        if first:
            break
    return first or last, last


def newest(store: Store, project: str) -> int:
    """The last span's start in ns, 0 for an empty project. Looked for before the last of all
    projects, which the parts' own bounds tell, or before now where that lies in the future."""
    now = time.time_ns() // NEAR * NEAR  # in steps, so that pages opened together ask the same
    for hours in NEWEST:
        near = """start_time >= least((SELECT max(start_time) FROM spans),
                                      fromUnixTimestamp64Nano({now:Int64}))
                                - toIntervalHour({hours:UInt32})"""
        named = {"now": now, "hours": hours} if hours else {}
        if found := _edge(store, project, "max", near if hours else "1", **named):
            return found
    return 0


def _edge(store: Store, project: str, edge: str, near: str, **named: Any) -> int:
    """The first (`min`) or last (`max`) span start of a project near some moment, 0 without one."""
    (row,) = store.rows(
        f"""
        SELECT if(count() = 0, 0, toUnixTimestamp64Nano({edge}(start_time))) AS at FROM spans
        WHERE project = {{project:String}} AND {near}
        """,
        project=project, **named,
    )  # fmt: skip
    return int(row["at"])
