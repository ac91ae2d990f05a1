"""Sums of a metric by combination of segments and block of time: what a search for causes reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.queries.traces import FILTERS, SEGMENT_COLUMNS

# Metric of traffic -> its value for one trace.
TRAFFIC = {
    "errors": "toFloat64(max(s.status = 'ERROR'))",
    "latency": """(max(toUnixTimestamp64Nano(s.start_time) + s.duration_ns)
                   - min(toUnixTimestamp64Nano(s.start_time))) / 1e9""",
    "cost": "sum(s.cost_usd)",
    "tokens": "toFloat64(sum(s.input_tokens) + sum(s.output_tokens))",
}
_RANGE = """s.project = {project:String}
              AND s.start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND s.start_time < fromUnixTimestamp64Nano({end:Int64})"""


def sums(
    store: Store, project: str, metric: str, version: str, start_ns: int, end_ns: int,
    from_ns: int, block_ns: int, columns: Sequence[str] = SEGMENT_COLUMNS,
) -> list[dict[str, Any]]:  # fmt: skip
    """By segment `columns` (of FILTERS) and block (of `block_ns`, counted from `from_ns`, may be
    negative): segment_*, block, total, weight, traces. `metric` is one of TRAFFIC or an evaluator,
    whose scores are weighted by 1 / probability; unscored traces do not count."""
    if unknown := set(columns) - set(FILTERS):
        raise ValueError(f"no segment columns: {sorted(unknown)}")
    segments = ", ".join(f"anyIf(toString(s.{n}), s.{n} != '') AS segment_{n}" for n in columns)
    named = {"project": project, "start": start_ns, "end": end_ns, "at": from_ns,
             "length": block_ns}  # fmt: skip
    if metric in TRAFFIC:
        source = f"""
            SELECT min(toUnixTimestamp64Nano(s.start_time)) AS began, {TRAFFIC[metric]} AS value,
                   1 AS each, {segments}
            FROM spans AS s FINAL WHERE {_RANGE} GROUP BY s.trace_id"""
    else:
        source = f"""
            SELECT min(toUnixTimestamp64Nano(s.start_time)) AS began, any(v.value) AS value,
                   1 / any(v.probability) AS each, {segments}
            FROM scores AS v FINAL INNER JOIN spans AS s
                ON s.project = v.project AND s.trace_id = v.trace_id
            WHERE v.project = {{project:String}} AND v.evaluator = {{evaluator:String}}
              AND v.evaluator_version = {{version:String}} AND v.status = 'scored' AND {_RANGE}
            GROUP BY s.trace_id"""
        named |= {"evaluator": metric, "version": version}
    by = ", ".join(f"segment_{name}" for name in columns)
    return store.rows(
        f"""
        SELECT {by}, toInt64(floor((began - {{at:Int64}}) / {{length:Int64}})) AS block,
               sum(value * each) AS total, sum(each) AS weight, count() AS traces
        FROM ({source}) GROUP BY {by}, block ORDER BY block, {by}
        """,
        **named,
    )
