"""Sums of a metric by combination of columns and block of time: what a search for causes reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.clickhouse import Store
from schemas.queries import traffic
from schemas.queries.dimensions import Selected, selected
from schemas.queries.mixes import Frozen
from schemas.queries.questions import METRICS
from schemas.queries.traces import SEGMENT_COLUMNS

MOST = 2_000_000  # traces of one search; of more, one in so many is drawn by the hash of its id
PROBED = 20_000  # spans, by which it is told whether adding up would leave fewer rows
ALONE = 0.95  # share of traces with a combination of their own, from which on it would not
DAY_NS = 86_400 * 10**9
# Metric of traffic -> its value for one trace.
TRAFFIC = {
    "errors": "toFloat64(max(s.status = 'ERROR'))",
    "latency": """(max(toUnixTimestamp64Nano(s.start_time) + s.duration_ns)
                   - min(toUnixTimestamp64Nano(s.start_time))) / 1e9""",
    "cost": "sum(s.cost_usd)",
    "tokens": "toFloat64(sum(s.input_tokens) + sum(s.output_tokens))",
}
RANGE = """s.project = {project:String}
              AND s.start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND s.start_time < fromUnixTimestamp64Nano({end:Int64})"""
_JUDGED = """INNER JOIN (
                SELECT trace_id, avg(value) AS value, any(probability) AS probability
                FROM scores FINAL
                WHERE project = {project:String} AND evaluator = {evaluator:String}
                  AND evaluator_version = {version:String} AND status = 'scored'
                  AND span_start >= fromUnixTimestamp64Nano({start:Int64} - 86400000000000)
                  AND span_start < fromUnixTimestamp64Nano({end:Int64} + 86400000000000)
                GROUP BY trace_id
            ) AS v ON v.trace_id = s.trace_id"""


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows are combinations of columns in one block, of which some may stand more than once.
    `columns`: name and kind -> (rows,) values:
    of `text` hashes (0: none), of `number` floats (NaN: none). `one_in`: how many traces each row's
    trace stands for."""

    block: NDArray[np.int64]
    total: NDArray[np.float64]
    weight: NDArray[np.float64]
    traces: NDArray[np.int64]
    columns: dict[tuple[str, str], NDArray[Any]]
    one_in: int


def sums(
    store: Store, project: str, metric: str, version: str, start_ns: int, end_ns: int,
    from_ns: int, block_ns: int, columns: Sequence[str] = SEGMENT_COLUMNS,
    topics: Frozen | None = None, most: int = MOST,
) -> Sums:  # fmt: skip
    """By `columns` (as schemas.queries.dimensions knows them) and block (of `block_ns`, counted
    from `from_ns`, may be negative). `metric` is one of TRAFFIC or of METRICS, or an evaluator,
    whose scores are weighted by 1 / probability; unscored traces do not count. Raises
    UnknownColumn."""
    of = selected(columns, topics)
    named = {"project": project, "start": start_ns, "end": end_ns, "at": from_ns,
             "length": block_ns, **of.named}  # fmt: skip
    held = traffic.held(store, project, start_ns, end_ns)
    one_in = -(-held // most) or 1
    drawn = "" if one_in == 1 else f" AND cityHash64(s.trace_id) % {one_in} = 0"
    value = {**TRAFFIC, **METRICS}.get(metric)
    each = "1"
    if value is None:
        value, each = "any(v.value)", "1 / any(v.probability)"
        named |= {"evaluator": metric, "version": version}
        of = Selected(of.inner, of.outer, of.given, f"{_JUDGED} {of.join}", of.named)
    by = ", ".join(f"d{n}" for n in range(len(of.given)))
    # The aliases are made outermost: inside, a column may stand on another's alias.
    outer = ", ".join(f"{sql} AS d{n}" for n, sql in enumerate(of.outer))

    def traces(source: str) -> str:
        return f"""
            SELECT toInt64(floor((began - {{at:Int64}}) / {{length:Int64}})) AS block, value, each,
                   {outer}
            FROM (
                SELECT min(toUnixTimestamp64Nano(s.start_time)) AS began, {value} AS value,
                       {each} AS each, {of.inner}
                FROM {source} {of.join} WHERE {RANGE}{drawn} GROUP BY s.trace_id
            )"""

    whole = traces("spans AS s FINAL")
    if metric in {*TRAFFIC, *METRICS} and held > PROBED:
        few = f"(SELECT * FROM spans AS s WHERE {RANGE}{drawn} LIMIT {PROBED}) AS s"
        share = store.rows(f"SELECT uniq(block, {by}) / count() AS share FROM ({traces(few)})",
                           **named)[0]["share"]  # fmt: skip
    else:
        share = 0.0
    # Where nearly every trace is a combination of its own, adding up costs more than it saves.
    added = f"""SELECT block, sum(value * each) AS total, toFloat64(sum(each)) AS weight,
                       toInt64(count()) AS traces, {by} FROM ({whole}) GROUP BY block, {by}"""
    alone = f"""SELECT block, toFloat64(value * each) AS total, toFloat64(each) AS weight,
                       toInt64(1) AS traces, {by} FROM ({whole})"""
    found = store.read_bytes(alone if share >= ALONE else added, "RowBinary", **named)
    kinds = {"text": "<u8", "number": "<f8"}
    shape = np.dtype([
        ("block", "<i8"), ("total", "<f8"), ("weight", "<f8"), ("traces", "<i8"),
        *((f"d{n}", kinds[kind]) for n, (_, kind) in enumerate(of.given)),
    ])  # fmt: skip
    rows = np.frombuffer(found, shape)
    return Sums(
        rows["block"].astype(np.int64), rows["total"].astype(np.float64),
        rows["weight"].astype(np.float64), rows["traces"].astype(np.int64),
        {of_: rows[f"d{n}"] for n, of_ in enumerate(of.given)}, one_in,
    )  # fmt: skip


def versions(
    store: Store, project: str, evaluator: str, start_ns: int, split_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """Versions that scored in [start, end), that with the most on its lesser side of `split` first:
    version, before, after."""
    return store.rows(
        """
        SELECT toString(evaluator_version) AS version,
               countIf(span_start < fromUnixTimestamp64Nano({split:Int64})) AS before,
               countIf(span_start >= fromUnixTimestamp64Nano({split:Int64})) AS after
        FROM scores FINAL
        WHERE project = {project:String} AND evaluator = {evaluator:String} AND status = 'scored'
          AND span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND span_start < fromUnixTimestamp64Nano({end:Int64})
        GROUP BY version ORDER BY least(before, after) DESC, max(scored_at) DESC, version
        """,
        project=project, evaluator=evaluator, start=start_ns, split=split_ns, end=end_ns,
    )  # fmt: skip
