"""Means of one evaluator version over time and by segment, made in ClickHouse.

What is read is scores and, where a segment is asked for, two columns of the spans of that time;
what comes back is a row for each block, however many traces there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store
from schemas.estimates.ratios import ratio
from schemas.queries import verdicts
from schemas.queries.streams import MS, TRAFFIC
from schemas.queries.traces import SEGMENT_COLUMNS
from schemas.queries.traffic import held, signal_blocks

HOUR, DAY = 3600 * 10**9, 86_400 * 10**9  # within which a trace's spans lie around its root's start
SHOWN = 20_000  # traces that a distribution is drawn from where nobody counts them
TRACES = 100_000  # of which the means of a signal of traffic are made, at most twice as many
SAMPLE = 10_000  # values of a side that a distribution is drawn from
# Traces and sessions as hashes: numbers are grouped by and joined on faster than names.
_SCORED = """
    SELECT cityHash64(trace_id) AS trace, argMax(value, scored_at) AS v, min(span_start) AS at,
           argMax(if(probability > 0, 1 / probability, 1), scored_at) AS worth,
           any(cityHash64(if(session_id = '', trace_id, session_id))) AS unit
    FROM scores
    WHERE project = {project:String} AND evaluator = {evaluator:String}
      AND evaluator_version = {version:String} AND status = 'scored'
      AND span_start >= fromUnixTimestamp64Nano({start:Int64})
      AND span_start < fromUnixTimestamp64Nano({end:Int64})
    GROUP BY trace"""
_SPANS = """FROM spans WHERE project = {project:String}
      AND start_time >= fromUnixTimestamp64Nano({earlier:Int64})
      AND start_time < fromUnixTimestamp64Nano({later:Int64})"""


@dataclass(frozen=True, slots=True)
class Block:
    """A mean over `n` traces, each weighted by the inverse of its sampling probability, of `units`
    sessions (a trace without one is its own) that began in [`start_ns`, +`width_ns`). `half`: of
    its 95% interval, by session (in sums of closed hours by groups of them), NaN for one; where
    all say 0, or all say 1, by the rule of three (Hanley 1983)."""

    group: str
    start_ns: int
    width_ns: int
    mean: float
    half: float
    n: int
    units: int


def course(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    seconds: int = 0, column: str = "", segment: Mapping[str, str] | None = None,
    every: bool = False, cut: int = 0,
) -> list[Block]:  # fmt: skip
    """Blocks of `seconds` (0: the whole range is one) by time, for each value of a column of
    SEGMENT_COLUMNS ('': all are one group, named ''), or for the traces inside ('in') and outside
    ('out') of a segment. With `every` all evaluators are asked for at once, so that a page with
    several asks once; a `cut` that their summaries are asked with saves a question, and so do the
    blocks of `verdicts.width`. Raises ValueError for other columns."""
    joined, name, named = _grouped(column, segment)
    width = seconds * 10**9 or end_ns - start_ns
    if not column and not segment and seconds % 3600 == 0:
        whole, blocks = verdicts.judged(
            store, project, start_ns, end_ns, cut, "" if every else evaluator, seconds
        )
        level, told = verdicts.of_version(whole, evaluator, version)
        rows = [row for row in told if row["status"] == "scored"]
        if seconds:
            mine = verdicts.of_version(blocks, evaluator, version)[1] if rows else []
            rows = [row for row in mine if row["level"] == level]
            rows.sort(key=lambda row: int(row["block"]))
        return [_block(row, row["block"] * width if seconds else start_ns, width) for row in rows]
    # By column the whole range is asked for with its blocks: what is read is the same.
    grid = seconds or (verdicts.width(start_ns, end_ns) if column else 0)
    block = "intDiv(toUnixTimestamp(at), {seconds:UInt32})" if grid else "0"
    sets = "GROUPING SETS ((block, name, unit), (name, unit))" if column else "block, name, unit"
    found = store.rows(
        f"""
        SELECT block, name, whole, count() AS sessions, sum(n) AS items, sum(a) AS w, sum(b) AS v,
               sum(a * a) AS ww, sum(a * b) AS vw, sum(b * b) AS vv
        FROM (
            SELECT {block} AS block, {name} AS name, unit, count() AS n, sum(worth) AS a,
                   sum(v * worth) AS b, {"grouping(block)" if column else "0"} AS whole
            FROM ({_SCORED}) AS s {joined} GROUP BY {sets}
        ) GROUP BY block, name, whole ORDER BY block, name
        """,
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns,
        earlier=start_ns - HOUR, later=end_ns + DAY, seconds=grid, **named,
    )  # fmt: skip
    return [
        _block(row, row["block"] * width if seconds else start_ns, width, row["name"])
        for row in found if not column or bool(row["whole"]) == (not seconds)
    ]  # fmt: skip


def traffic(
    store: Store, project: str, signal: str, start_ns: int, end_ns: int, seconds: int,
    column: str = "",
) -> list[Block]:  # fmt: skip
    """The same of a signal of `streams.TRAFFIC` (in its unit: of most a logarithm), of traces that
    began in the range. Where there are more than TRACES of them that are in no sums of closed hours
    (those of a column are in none), of a part that is drawn by the hash of their ids. Raises
    ValueError for other signals and columns."""
    if signal not in TRAFFIC or column not in ("", *SEGMENT_COLUMNS):
        raise ValueError(f"there is no signal {signal} by {column}")
    width = seconds * 10**9
    if not column and seconds % 3600 == 0:
        found = signal_blocks(store, project, signal, start_ns, end_ns, seconds, TRACES)
        if found is not None:
            return [_block(row, row["block"] * width, width) for row in found]
    named: dict[str, Any] = {"project": project, "start": start_ns, "end": end_ns}
    name = f"anyIf(toString(s.{column}), s.{column} != '')" if column else "''"
    # A span that was sent twice may be there twice for a while: only sums mind.
    final = "FINAL" if "sum(" in TRAFFIC[signal] else ""
    rows = store.rows(
        f"""
        SELECT block, name, count() AS sessions, sum(a) AS items, items AS w, sum(b) AS v,
               sum(a * a) AS ww, sum(a * b) AS vw, sum(b * b) AS vv
        FROM (
            SELECT block, name, unit, count() AS a, sum(x) AS b FROM (
                SELECT if(max(s.session_id) = '', s.trace_id, max(s.session_id)) AS unit,
                       intDiv(toUnixTimestamp(min(s.start_time)), {{seconds:UInt32}}) AS block,
                       {name} AS name, {TRAFFIC[signal].replace("max(trace_ms)", MS)} AS x
                FROM spans AS s {final}
                WHERE s.project = {{project:String}}
                  AND s.start_time >= fromUnixTimestamp64Nano({{start:Int64}})
                  AND s.start_time < fromUnixTimestamp64Nano({{end:Int64}})
                  AND cityHash64(s.trace_id) % {{part:UInt32}} = 0
                GROUP BY s.trace_id
            ) WHERE isFinite(x) GROUP BY block, name, unit
        ) GROUP BY block, name ORDER BY block, name
        """,
        seconds=seconds, part=_part(store, **named), **named,
    )  # fmt: skip
    return [_block(row, row["block"] * width, width, row["name"]) for row in rows]


def _part(store: Store, project: str, start: int, end: int, most: int = TRACES) -> int:
    """Of how many traces of a range one is taken, so that about `most` are left."""
    return max(1, held(store, project, start, end) // most)


def traffic_values(
    store: Store, project: str, signal: str, start_ns: int, end_ns: int, split_ns: int
) -> tuple[list[float], list[float]]:
    """Values of a signal of `streams.TRAFFIC`, in its unit, of the traces (or of a part of them, as
    in `traffic`, of about SHOWN) that began before a moment and from it on. Raises KeyError for
    other signals."""
    value = TRAFFIC[signal].replace("max(trace_ms)", MS)
    named: dict[str, Any] = {"project": project, "start": start_ns, "end": end_ns}
    rows = store.rows(
        f"""
        SELECT late, groupArray(v) AS found FROM (
            SELECT {value} AS v,
                   min(s.start_time) >= fromUnixTimestamp64Nano({{split:Int64}}) AS late
            FROM spans AS s {"FINAL" if "sum(" in value else ""}
            WHERE s.project = {{project:String}}
              AND s.start_time >= fromUnixTimestamp64Nano({{start:Int64}})
              AND s.start_time < fromUnixTimestamp64Nano({{end:Int64}})
              AND cityHash64(s.trace_id) % {{part:UInt32}} = 0
            GROUP BY s.trace_id
        ) WHERE isFinite(v) GROUP BY late
        """,
        split=split_ns, part=_part(store, **named, most=SHOWN), **named,
    )  # fmt: skip
    found = {bool(row["late"]): [float(v) for v in row["found"]] for row in rows}
    return found.get(False, []), found.get(True, [])


def _block(row: Mapping[str, Any], start_ns: int, width_ns: int, group: str = "") -> Block:
    units = int(row["sessions"])
    mean, half = ratio(row, units, row.get("groups", 0))
    return Block(group, start_ns, width_ns, mean, half, int(row["items"]), units)


def values(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    split_ns: int, segment: Mapping[str, str] | None = None, counted: bool = True,
) -> tuple[tuple[int, list[float]], tuple[int, list[float]]]:  # fmt: skip
    """(traces, values of at most SAMPLE of them, drawn by the hash of their id) before a moment and
    from it on, of a segment where one is given. Where nobody looks at the numbers of traces they
    need not be `counted`: then all is of about SHOWN traces. Raises ValueError for other
    columns."""
    part = 1 if counted else _part(store, project, start_ns, end_ns, SHOWN)
    joined, name, named = _grouped("", segment)
    inside = f"WHERE {name} = 'in'" if segment else ""
    drawn = _SCORED.replace("GROUP BY", "  AND trace % {part:UInt32} = 0\n    GROUP BY")
    rows = store.rows(
        f"""
        SELECT late, count() AS n,
               arrayMap(p -> p.2, groupArraySorted({SAMPLE})((trace, v))) AS drawn
        FROM (
            SELECT trace, v, at >= fromUnixTimestamp64Nano({{split:Int64}}) AS late
            FROM ({drawn}) AS s {joined} {inside}
        ) GROUP BY late
        """,
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns,
        earlier=start_ns - HOUR, later=end_ns + DAY, split=split_ns, part=part, **named,
    )  # fmt: skip
    found = {bool(row["late"]): (int(row["n"]), [float(v) for v in row["drawn"]]) for row in rows}
    return found.get(False, (0, [])), found.get(True, (0, []))


def _grouped(column: str, segment: Mapping[str, str] | None) -> tuple[str, str, dict[str, Any]]:
    """(a join with spans, the name of a trace's group, parameters)."""
    chosen = dict(segment or {})
    if unknown := {*chosen, *([column] if column else [])} - set(SEGMENT_COLUMNS):
        raise ValueError(f"scores cannot be segmented by {', '.join(sorted(unknown))}")
    if column:
        value = f"SELECT cityHash64(trace_id) AS id, any(toString({column})) AS told"
        joined = f"LEFT JOIN ({value} {_SPANS} AND {column} != '' GROUP BY id) AS t"
        return f"{joined} ON t.id = s.trace", "told", {}
    if not chosen:
        return "", "''", {}
    having = " AND ".join(f"anyIf(toString({n}), {n} != '') = {{segment_{n}:String}}"
                          for n in sorted(chosen))  # fmt: skip
    inside = f"SELECT cityHash64(trace_id) AS id {_SPANS} GROUP BY id HAVING {having}"
    named = {f"segment_{name}": value for name, value in chosen.items()}
    return "", f"if(s.trace IN ({inside}), 'in', 'out')", named
