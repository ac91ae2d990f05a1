"""Tool calls of traces, for evaluators of agents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from schemas.clickhouse import Store
from schemas.models import ToolCall
from schemas.queries.traces import trace_times


def tool_calls(store: Store, project: str, traces: Sequence[str]) -> dict[str, list[ToolCall]]:
    """By trace, in the order of their start: the calls that ran as spans of their own; in a trace
    without such spans those that models asked for, of which no failure is known."""
    times = trace_times(store, project, traces) if traces else {}
    if not times:
        return {}
    rows = store.rows(
        """
        WITH texts AS (
            SELECT trace_id, span_id, tool_names, tool_arguments, input FROM span_texts
            WHERE project = {project:String} AND trace_id IN {traces:Array(String)}
              AND start_time >= fromUnixTimestamp64Nano({first:Int64})
              AND start_time <= fromUnixTimestamp64Nano({last:Int64})
            ORDER BY ingested_at DESC LIMIT 1 BY trace_id, span_id
        )
        SELECT s.trace_id AS trace_id, s.kind = 'TOOL' AS ran, s.status = 'ERROR' AS failed,
               toString(s.name) AS name, p.tool_names AS names, p.tool_arguments AS arguments,
               p.input AS input
        FROM spans AS s FINAL LEFT JOIN texts AS p
            ON p.trace_id = s.trace_id AND p.span_id = s.span_id
        WHERE s.project = {project:String} AND s.trace_id IN {traces:Array(String)}
          AND s.start_time >= fromUnixTimestamp64Nano({first:Int64})
          AND s.start_time <= fromUnixTimestamp64Nano({last:Int64})
          AND (s.kind = 'TOOL' OR notEmpty(p.tool_names))
        ORDER BY s.trace_id, s.start_time, s.span_id
        """,
        project=project,
        traces=list(traces),
        first=min(first for first, _ in times.values()),
        last=max(last for _, last in times.values()),
    )
    ran: defaultdict[str, list[ToolCall]] = defaultdict(list)
    asked: defaultdict[str, list[ToolCall]] = defaultdict(list)
    for row in rows:
        if row["ran"]:
            name = row["names"][0] if row["names"] else row["name"]
            given = row["arguments"][0] if row["arguments"] else row["input"]
            ran[row["trace_id"]].append(ToolCall(name, given, bool(row["failed"])))
            continue
        for place, name in enumerate(row["names"]):
            given = row["arguments"][place] if place < len(row["arguments"]) else ""
            asked[row["trace_id"]].append(ToolCall(name, given))
    return {trace: ran.get(trace) or asked[trace] for trace in {*ran, *asked}}
