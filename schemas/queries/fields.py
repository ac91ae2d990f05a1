"""How often the columns of spans are filled, and which attribute keys spans have."""

from __future__ import annotations

import json
from typing import Any

from schemas.clickhouse import Store
from schemas.queries.segments import EXTRA_SQL, PAIRS_SQL
from schemas.queries.traces import SEGMENT_SQL

# Column -> (which spans should have it, when it counts as filled).
FILLED = {
    "kind": ("1", "kind != ''"),
    "model": ("kind IN ('LLM', 'EMBEDDING')", "model != ''"),
    "provider": ("kind = 'LLM'", "provider != ''"),
    "input": ("kind = 'LLM'", "input_length > 0"),
    "output": ("kind = 'LLM' AND status != 'ERROR'", "output_length > 0"),
    "input_tokens": ("kind = 'LLM' AND status != 'ERROR'", "input_tokens > 0"),
    "output_tokens": ("kind = 'LLM' AND status != 'ERROR'", "output_tokens > 0"),
    "session_id": ("1", "session_id != ''"),
    "user_id": ("1", "user_id != ''"),
    "prompt_version": ("kind = 'LLM'", "prompt_version != ''"),
    "environment": ("1", "environment != ''"),
    "service_version": ("1", "service_version != ''"),
}
_RANGE = """project = {project:String} AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""


def filled(
    store: Store, project: str, start_ns: int, end_ns: int, seconds: int = 600
) -> list[dict[str, Any]]:
    """By service and block of `seconds`, oldest first: service, at (s since 1970), and per column
    of FILLED `n_<column>` spans that should have it and `k_<column>` that do."""
    counts = ", ".join(
        f"countIf({which}) AS n_{column}, countIf(({which}) AND {has}) AS k_{column}"
        for column, (which, has) in FILLED.items()
    )
    return store.rows(
        f"""
        SELECT toString(service) AS service,
               intDiv(toUnixTimestamp(start_time), {{seconds:UInt32}}) * {{seconds:UInt32}} AS at,
               {counts}
        FROM spans WHERE {_RANGE} GROUP BY service, at ORDER BY service, at
        """,
        project=project, start=start_ns, end=end_ns, seconds=seconds,
    )  # fmt: skip


def attribute_shares(
    store: Store, project: str, service: str, column: str, start_ns: int, end_ns: int
) -> dict[str, float]:
    """The attribute keys of the spans that should have `column`, and their share of those spans."""
    which, _ = FILLED[column]
    inside = f"{_RANGE} AND service = {{service:String}} AND ({which})"
    named = {"project": project, "service": service, "start": start_ns, "end": end_ns}
    rows = store.rows(
        f"""
        SELECT key, count() / (SELECT count() FROM spans WHERE {inside}) AS share
        FROM spans ARRAY JOIN mapKeys(attributes) AS key WHERE {inside}
        GROUP BY key ORDER BY share DESC LIMIT 2000
        """,
        **named,
    )
    return {str(row["key"]): float(row["share"]) for row in rows}


def newest_traces(
    store: Store, project: str, service: str | None, start_ns: int, end_ns: int
) -> list[str]:
    """Up to five newest traces that start in [start, end), of one service or of any."""
    of_service = "" if service is None else "AND service = {service:String}"
    rows = store.rows(
        f"""
        SELECT trace_id, max(start_time) AS at FROM spans WHERE {_RANGE} {of_service}
        GROUP BY trace_id ORDER BY at DESC LIMIT 5
        """,
        project=project, service=service or "", start=start_ns, end=end_ns,
    )  # fmt: skip
    return [str(row["trace_id"]) for row in rows]


def segment_traces(
    store: Store, project: str, inside: str, start_ns: int, end_ns: int
) -> list[str]:
    """Up to five newest traces that start in [start, end) of a segment: JSON of one column and
    its value; {} is all traffic."""
    ((column, value),) = json.loads(inside).items() or (("", ""),)
    rows = store.rows(
        f"""
        SELECT trace FROM (
            SELECT s.trace_id AS trace, max(s.start_time) AS at, {SEGMENT_SQL}, {EXTRA_SQL}
            FROM spans AS s FINAL WHERE {_RANGE} GROUP BY s.trace_id
        ) WHERE has({PAIRS_SQL}, ({{column:String}}, {{value:String}}))
        ORDER BY at DESC, trace LIMIT 5
        """,
        project=project, column=column, value=value, start=start_ns, end=end_ns,
    )  # fmt: skip
    return [str(row["trace"]) for row in rows]


def values(
    store: Store, project: str, start_ns: int, cut_ns: int, end_ns: int, most: int = 200
) -> list[dict[str, Any]]:
    """Values of segment columns and languages in [start, end), the commonest of each column:
    column, value, before and after (sessions that have it before and from `cut` on), all_before and
    all_after (sessions of the project), first_ms and last_ms of a trace that has it."""
    return store.rows(
        f"""
        WITH unit AS (
            SELECT if(any(session_id) = '', trace_id, any(session_id)) AS unit,
                   min(start_time) AS at, {SEGMENT_SQL}, {EXTRA_SQL}
            FROM spans AS s WHERE {_RANGE} GROUP BY trace_id
        ), cut AS (SELECT fromUnixTimestamp64Nano({{cut:Int64}}) AS at)
        SELECT segment.1 AS column, segment.2 AS value,
               uniqExactIf(unit, at < (SELECT at FROM cut)) AS before,
               uniqExactIf(unit, at >= (SELECT at FROM cut)) AS after,
               (SELECT uniqExactIf(unit, at < (SELECT at FROM cut)) FROM unit) AS all_before,
               (SELECT uniqExactIf(unit, at >= (SELECT at FROM cut)) FROM unit) AS all_after,
               toUnixTimestamp64Milli(min(at)) AS first_ms,
               toUnixTimestamp64Milli(max(at)) AS last_ms
        FROM unit ARRAY JOIN {PAIRS_SQL} AS segment
        WHERE segment.1 NOT IN ('', 'user_group') AND segment.2 != ''
        GROUP BY column, value ORDER BY column, before + after DESC, value
        LIMIT {{most:UInt32}} BY column
        """,
        project=project, start=start_ns, cut=cut_ns, end=end_ns, most=most,
    )  # fmt: skip
