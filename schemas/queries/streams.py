"""Daily means of what a project's traces show, whole and by segment: the streams that are watched.

The unit is the session (a trace without one is its own): its traces are averaged first, so that a
long conversation weighs as much as a short one.
"""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.queries.traces import SEGMENT_COLUMNS, SEGMENT_SQL

# Signal -> its value for one trace. Lengths and times are logarithms: a change is a factor.
TRAFFIC = {
    "latency": "log10(1 + max(trace_ms))",
    "cost": "log10(1e-6 + sum(s.cost_usd))",
    "errors": "toFloat64(max(s.status = 'ERROR'))",
    "output_length": "log10(1 + max(s.output_length))",
    "input_length": "log10(1 + max(s.input_length))",
    "output_tokens": "log10(1 + sum(s.output_tokens))",
}
_RANGE = """s.project = {project:String}
              AND s.start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND s.start_time < fromUnixTimestamp64Nano({end:Int64})"""
_SEGMENTS = "[('', ''), " + ", ".join(f"('{c}', segment_{c})" for c in SEGMENT_COLUMNS) + "]"


def traffic_by_day(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """Of each segment ("" for all traffic) and day (since 1970, UTC): column, value, day, sessions,
    and the mean of each signal of TRAFFIC over sessions."""
    per_trace = ", ".join(
        f"{sql.replace('max(trace_ms)', _MS)} AS v_{name}" for name, sql in TRAFFIC.items()
    )
    per_session = ", ".join(f"avg(v_{name}) AS w_{name}" for name in TRAFFIC)
    per_day = ", ".join(f"avg(w_{name}) AS {name}" for name in TRAFFIC)
    return store.rows(
        f"""
        SELECT segment.1 AS column, segment.2 AS value, day, count() AS sessions, {per_day}
        FROM (
            SELECT segment, day, unit, {per_session}
            FROM (
                SELECT s.trace_id AS trace, any(s.session_id) AS session,
                       if(session = '', trace, session) AS unit,
                       toUInt32(toDate(min(s.start_time))) AS day, {SEGMENT_SQL}, {per_trace}
                FROM spans AS s FINAL WHERE {_RANGE} GROUP BY s.trace_id
            ) ARRAY JOIN {_SEGMENTS} AS segment
            WHERE segment.1 = '' OR segment.2 != ''
            GROUP BY segment, day, unit
        ) GROUP BY segment, day ORDER BY column, value, day
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip


_MS = """((max(toUnixTimestamp64Nano(s.start_time) + s.duration_ns)
                       - min(toUnixTimestamp64Nano(s.start_time))) / 1e6)"""


def scores_by_day(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """The same of one evaluator version: column, value, day, sessions, mean (of scored traces, each
    weighted by the inverse of its sampling probability)."""
    return store.rows(
        f"""
        SELECT segment.1 AS column, segment.2 AS value, day, count() AS sessions,
               avg(of_session) AS mean
        FROM (
            SELECT segment, day, unit, sum(score * weight) / sum(weight) AS of_session
            FROM (
                SELECT s.trace_id AS trace, any(s.session_id) AS session,
                       if(session = '', trace, session) AS unit,
                       toUInt32(toDate(min(s.start_time))) AS day, any(v.value) AS score,
                       1 / any(v.probability) AS weight, {SEGMENT_SQL}
                FROM scores AS v FINAL INNER JOIN spans AS s
                    ON s.project = v.project AND s.trace_id = v.trace_id
                WHERE v.project = {{project:String}} AND v.evaluator = {{evaluator:String}}
                  AND v.evaluator_version = {{version:String}} AND v.status = 'scored' AND {_RANGE}
                GROUP BY s.trace_id
            ) ARRAY JOIN {_SEGMENTS} AS segment
            WHERE segment.1 = '' OR segment.2 != ''
            GROUP BY segment, day, unit
        ) GROUP BY segment, day ORDER BY column, value, day
        """,
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns,
    )  # fmt: skip
