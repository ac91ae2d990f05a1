"""One trace in parts: the heads of its spans, its tool calls, and traces that are like it."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.queries.traces import trace_times

NEAR = 5 * 60 * 10**9  # around a trace's recorded times: a span may just be arriving
DAY = 86_400 * 10**9
_INSIDE = """project = {project:String} AND trace_id = {trace:String}
          AND start_time >= fromUnixTimestamp64Nano({first:Int64})
          AND start_time <= fromUnixTimestamp64Nano({last:Int64})"""


def _times(store: Store, project: str, trace_id: str) -> dict[str, Any]:
    first, last = trace_times(store, project, [trace_id]).get(trace_id, (NEAR, 2**63 - 1 - NEAR))
    return {"project": project, "trace": trace_id, "first": first - NEAR, "last": last + NEAR}


def heads(store: Store, project: str, trace_id: str) -> list[dict[str, Any]]:
    """All spans of one trace by start, each once, with what a page needs of every one: span_id,
    parent_span_id, start_ns, duration_ns, name, kind, status, input_tokens, output_tokens,
    cost_usd, session_id, user_id. No column is a list: of 30,000 rows with one, Python's search
    for garbage costs more than the rows."""
    return store.rows(
        f"""
        SELECT span_id, parent_span_id, toUnixTimestamp64Nano(start_time) AS start_ns, duration_ns,
               toString(name) AS name, toString(kind) AS kind, toString(status) AS status,
               input_tokens, output_tokens, cost_usd, session_id, user_id
        FROM spans FINAL PREWHERE trace_id = {{trace:String}} WHERE {_INSIDE}
        ORDER BY start_time, span_id
        """,
        **_times(store, project, trace_id),
    )


def calls(store: Store, project: str, trace_id: str, limit: int = 500) -> list[dict[str, Any]]:
    """Tool calls of one trace by time: span_id, name, id, arguments, result ('' where none came
    back), failed. A call that a model asked for and the span that carried it out are one row where
    both name its id."""
    return store.rows(
        f"""
        WITH asked AS (
            SELECT id, name, start_time, span_id, arguments,
                   if(id = '', concat(span_id, toString(position)), id) AS one
            FROM tool_calls WHERE {_INSIDE} ORDER BY start_time LIMIT 1 BY one
        ), given AS (
            SELECT if(id = '', concat(span_id, '1'), id) AS one,
                   argMin(result, start_time) AS result
            FROM tool_results WHERE {_INSIDE} GROUP BY one
        ), broken AS (
            SELECT DISTINCT arrayJoin(arrayConcat(tool_ids, [''])) AS id, span_id
            FROM span_texts WHERE {_INSIDE} AND span_id IN (
                SELECT span_id FROM spans WHERE {_INSIDE} AND kind = 'TOOL' AND status = 'ERROR')
        )
        SELECT asked.span_id AS span_id, toString(asked.name) AS name, asked.id AS id,
               asked.arguments AS arguments, given.result AS result,
               (id != '' AND id IN (SELECT id FROM broken))
                   OR span_id IN (SELECT span_id FROM broken) AS failed
        FROM asked LEFT JOIN given ON asked.one = given.one
        ORDER BY asked.start_time, span_id, id LIMIT {{limit:UInt32}}
        """,
        limit=limit, **_times(store, project, trace_id),
    )  # fmt: skip


def alike(
    store: Store, project: str, trace_id: str, field: str, days: int = 14, limit: int = 10
) -> list[dict[str, Any]]:
    """Traces within `days` of this one whose `field` (input or output) is nearest by the cosine of
    their embeddings, nearest first: trace_id, similarity (1: the same direction), start_ns, text
    (a preview of the root's, else of the first span that has one). [] without an embedding."""
    times = trace_times(store, project, [trace_id])
    if trace_id not in times:
        return []
    at = times[trace_id][0]
    mine = store.rows(
        """
        SELECT toString(model) AS model, vector FROM embeddings
        WHERE project = {project:String} AND field = {field:String} AND trace_id = {trace:String}
        ORDER BY created_at DESC LIMIT 1
        """,
        project=project, field=field, trace=trace_id,
    )  # fmt: skip
    if not mine:
        return []
    found = store.rows(
        """
        SELECT trace_id, toUnixTimestamp64Nano(span_start) AS start_ns,
               1 - cosineDistance(vector, {mine:Array(Float32)}) AS similarity
        FROM embeddings
        WHERE project = {project:String} AND field = {field:String} AND trace_id != {trace:String}
          AND model = {model:String} AND length(vector) = {size:UInt32}
          AND span_start >= fromUnixTimestamp64Nano({first:Int64})
          AND span_start <= fromUnixTimestamp64Nano({last:Int64})
        ORDER BY similarity DESC, start_ns DESC LIMIT 1 BY trace_id LIMIT {limit:UInt32}
        """,
        project=project, trace=trace_id, field=field, limit=limit, mine=list(mine[0]["vector"]),
        model=mine[0]["model"], size=len(mine[0]["vector"]),
        first=max(0, at - days * DAY), last=at + days * DAY,
    )  # fmt: skip
    texts = previews(store, project, [row["trace_id"] for row in found], field) if found else {}
    return [{**row, "text": texts.get(row["trace_id"], "")} for row in found]


def previews(store: Store, project: str, traces: list[str], field: str = "input") -> dict[str, str]:
    """The first 200 characters of each trace's input or output: of its root, else of its first
    span that has one."""
    times = trace_times(store, project, traces)
    if not times:
        return {}
    column = "output_preview" if field == "output" else "input_preview"
    rows = store.rows(
        f"""
        SELECT trace_id,
               argMinIf({column}, (parent_span_id != '', start_time), {column} != '') AS text
        FROM spans
        WHERE project = {{project:String}} AND trace_id IN {{traces:Array(String)}}
          AND start_time >= fromUnixTimestamp64Nano({{first:Int64}})
          AND start_time <= fromUnixTimestamp64Nano({{last:Int64}})
        GROUP BY trace_id
        """,
        project=project, traces=traces, first=min(a for a, _ in times.values()),
        last=max(b for _, b in times.values()),
    )  # fmt: skip
    return {row["trace_id"]: row["text"] for row in rows}
