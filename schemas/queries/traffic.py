"""Traffic of a period: counts, cost and latency, each with what its interval is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

from schemas.clickhouse import Store
from schemas.estimates.shares import Z
from schemas.hours import rolled
from schemas.hours.rolled import Period, half, halved
from schemas.hours.traffic import GAMMA, SIGNALS, TRAFFIC_HOURS, column
from schemas.queries import spans

DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of traces that began in a period: `failed` of them have a failed span; `roots` root spans,
    by bins of their durations (`bins` and `counts`); `kept`: how many traces they stand for by the
    clients' own sampling; cost (USD), tokens. `lone`: traces without a session, the sum of their
    costs and of the squares of these. `hours` of it were read as sums."""

    traces: int
    failed: int
    roots: int
    kept: float
    cost: float
    tokens: int
    bins: Sequence[int]
    counts: Sequence[int]
    lone: tuple[int, float, float] = (0, 0.0, 0.0)
    hours: int = 0

    def latency(self, share: float) -> tuple[float, float, float]:
        """(quantile, low, high) of root spans in seconds, each to within 0.5%: a 95% interval by
        order statistics, which assumes no distribution (Hahn and Meeker 1991, section 5.2); NaN
        without a root span."""
        if not self.roots:
            return nan, nan, nan
        half = Z * sqrt(self.roots * share * (1 - share))
        value, low, high = (self._at(self.roots * share + by) for by in (0, -half, half))
        return value, low, high

    def _at(self, place: float) -> float:
        """The duration of the root span at a place (from 0) by length, in seconds."""
        wanted, passed = min(self.roots - 1, max(0, round(place))), 0
        for edge, count in sorted(zip(self.bins, self.counts, strict=True)):
            passed += count
            if passed > wanted:
                return float(GAMMA ** (edge + 0.5)) / 1e9
        return nan


def traffic(
    store: Store, project: str, start_ns: int, end_ns: int, whole: Period | None = None
) -> Traffic:
    """Of traces whose first span began in [start, end); each span counts once. `whole`: a period of
    which this is one half, where the other is asked for, too; both are then read at once."""
    start, end, cut = halved(start_ns, end_ns, whole)
    of = rolled.source(
        store, project, TRAFFIC_HOURS, start, end,
        "traces, failed, roots, kept, cost, tokens, bins, counts, lone, lone_cost, lone_cost2",
        cut=cut,
    )  # fmt: skip
    rows = store.rows(
        f"""
        SELECT {of.late} AS late, sum(traces) AS n, sum(failed) AS bad,
               sum(roots) AS starts, sum(kept) AS worth,
               sum(cost) AS usd, sum(tokens) AS used, sumMap(bins, counts) AS found,
               sum(lone) AS one, sum(lone_cost) AS one_usd, sum(lone_cost2) AS one_usd2
        FROM {of.sql} GROUP BY late
        """,
        project=project, **of.named,
    )  # fmt: skip
    row = half(rows, start_ns, cut)
    if row is None:
        return Traffic(0, 0, 0, 0.0, 0.0, 0, [], [], hours=of.hours)
    bins, counts = row["found"]
    return Traffic(
        int(row["n"]), int(row["bad"]), int(row["starts"]), float(row["worth"]), float(row["usd"]),
        int(row["used"]), bins, counts,
        (int(row["one"]), float(row["one_usd"]), float(row["one_usd2"])), of.hours,
    )  # fmt: skip


def cost_interval(
    store: Store, project: str, start_ns: int, end_ns: int, whole: Period | None = None
) -> tuple[float, float, int, float]:
    """(mean USD of a trace, half-width of its 95% interval, traces, sum) of traces that began in
    the range; sessions are the units of the interval, a trace without one is its own. `whole` as
    for `traffic`."""
    lone, lone_cost, lone_cost2 = traffic(store, project, start_ns, end_ns, whole).lone
    start, end, cut = halved(start_ns, end_ns, whole)
    of = rolled.source(
        store, project, TRAFFIC_HOURS, start, end, "units, unit_traces, unit_cost", cut=cut
    )
    rows = store.rows(
        f"""
        SELECT late, count() AS units, sum(n) AS traces, sum(c) AS total, sum(c * c) AS cc,
               sum(c * n) AS cn, sum(n * n) AS nn
        FROM (
            SELECT {of.late} AS late, unit, toFloat64(sum(traces)) AS n, sum(usd) AS c
            FROM {of.sql}
            ARRAY JOIN units AS unit, unit_traces AS traces, unit_cost AS usd GROUP BY late, unit
        ) GROUP BY late
        """,
        project=project, **of.named,
    )  # fmt: skip
    none = dict.fromkeys(("units", "traces", "total", "cc", "cn", "nn"), 0)
    row = half(rows, start_ns, cut) or none
    units, traces = int(row["units"]) + lone, float(row["traces"]) + lone
    if not traces:
        return nan, nan, 0, 0.0
    total = float(row["total"]) + lone_cost
    mean = total / traces
    # The ratio of two sums over units, by the delta method.
    spread = (row["cc"] + lone_cost2) - 2 * mean * (row["cn"] + lone_cost)
    spread = max(0.0, spread + mean * mean * (row["nn"] + lone))
    half_width = Z * sqrt(spread * units / max(1, units - 1)) / traces if units > 1 else nan
    return mean, half_width, int(traces), total


def signal_blocks(
    store: Store, project: str, signal: str, start_ns: int, end_ns: int, seconds: int,
    most: int = 2**62,
) -> list[dict[str, Any]] | None:  # fmt: skip
    """Of a signal of `streams.TRAFFIC` by block of `seconds`, whole hours: block, units, items
    (traces that have it), and over the means of units their sum (means) and that of their squares
    (squares). None where more than `most` traces would have to be read for it. Raises ValueError
    for other signals."""
    place = SIGNALS.index(signal) + 1
    each = "unit_firsts" if signal == "first_token" else "unit_traces"
    first, last = spans.time_range(store, project)
    start, end = max(start_ns, first // DAY * DAY), min(end_ns, last + 1)
    if start >= end:
        return []
    of = rolled.source(
        store, project, TRAFFIC_HOURS, start, end,
        f"hour, lone_n, lone_sum, lone_square, units, {each}, {column(signal)}",
    )  # fmt: skip
    if of.hours * rolled.HOUR < end - start - DAY and held(store, project, start, end) > most:
        return None
    block = "intDiv(toUnixTimestamp(hour), {seconds:UInt32})"
    return store.rows(
        f"""
        SELECT block, sum(u) AS units, sum(n) AS items, sum(m) AS means, sum(mm) AS squares
        FROM (
            SELECT {block} AS block, unit, sum(i) AS n, sum(x) AS told,
                   if(unit = 0, n, 1) AS u, if(unit = 0, told, told / n) AS m,
                   if(unit = 0, sum(xx), m * m) AS mm
            FROM {of.sql}
            ARRAY JOIN arrayPushBack(units, 0) AS unit,
                arrayPushBack({each}, toUInt32(lone_n[{place}])) AS i,
                arrayPushBack({column(signal)}, lone_sum[{place}]) AS x,
                arrayPushBack(arrayWithConstant(length(units), 0.0), lone_square[{place}]) AS xx
            GROUP BY block, unit HAVING n > 0
        ) GROUP BY block ORDER BY block
        """,
        project=project, seconds=seconds, **of.named,
    )  # fmt: skip


def held(store: Store, project: str, start_ns: int, end_ns: int) -> int:
    """How many traces began in a range."""
    (row,) = store.rows(
        """
        SELECT uniqExact(trace_id) AS n FROM trace_times
        WHERE project = {project:String} AND first >= fromUnixTimestamp64Nano({start:Int64})
          AND first < fromUnixTimestamp64Nano({end:Int64})
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    return int(row["n"])
