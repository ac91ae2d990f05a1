"""Traffic of a period: counts, cost and latency, each with what its interval is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

from schemas.clickhouse import Store
from schemas.estimates.ratios import ratio
from schemas.estimates.shares import Z
from schemas.hours import rolled
from schemas.hours.groups import COUNT, moments
from schemas.hours.rolled import Period, half, halved
from schemas.hours.traffic import GAMMA, SIGNALS, TRAFFIC_HOURS, column
from schemas.queries import spans

DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of traces that began in a period: `failed` of them have a failed span; `roots` root spans,
    by bins of their durations (`bins` and `counts`); `kept`: how many traces they stand for by the
    clients' own sampling; cost (USD), tokens. `spread`: of n traces and the cost c of each group of
    sessions how many there are, and the sums nn, cn, cc. `hours` of it were read as sums."""

    traces: int
    failed: int
    roots: int
    kept: float
    cost: float
    tokens: int
    bins: Sequence[int]
    counts: Sequence[int]
    spread: tuple[int, float, float, float] = (0, 0.0, 0.0, 0.0)
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
        "traces, failed, roots, kept, cost, tokens, bins, counts, group_traces, group_cost",
        cut=cut,
    )  # fmt: skip
    found = moments("group_traces", "group_cost")
    rows = store.rows(
        f"""
        SELECT {of.late} AS late, sum(traces) AS n, sum(failed) AS bad,
               sum(roots) AS starts, sum(kept) AS worth,
               sum(cost) AS usd, sum(tokens) AS used, sumMap(bins, counts) AS found,
               {found["groups"]} AS groups,
               {found["ww"]} AS nn, {found["vw"]} AS cn, {found["vv"]} AS cc
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
        (int(row["groups"]), float(row["nn"]), float(row["cn"]), float(row["cc"])), of.hours,
    )  # fmt: skip


def cost_interval(
    store: Store, project: str, start_ns: int, end_ns: int, whole: Period | None = None
) -> tuple[float, float, int, float]:
    """(mean USD of a trace, half-width of its 95% interval, traces, sum) of traces that began in
    the range; groups of sessions (a trace without one counts as one) are the units of the interval.
    `whole` as for `traffic`, which reads it."""
    found = traffic(store, project, start_ns, end_ns, whole)
    if not found.traces:
        return nan, nan, 0, 0.0
    groups, *spread = found.spread
    sums = dict(zip(("ww", "vw", "vv"), spread, strict=True), w=found.traces, v=found.cost)
    mean, half_width = ratio(sums, groups)
    return mean, half_width if mean else 0.0, found.traces, found.cost


def signal_blocks(
    store: Store, project: str, signal: str, start_ns: int, end_ns: int, seconds: int,
    most: int = 2**62,
) -> list[dict[str, Any]] | None:  # fmt: skip
    """Of a signal of `streams.TRAFFIC` by block of `seconds`, whole hours: block, sessions (a trace
    without one is its own), items (traces that have it), and over `groups` of sessions the sums of
    their items, w, of the signal, v, and ww, vw, vv. None where more than `most` traces would have
    to be read for it. Raises ValueError for other signals."""
    if signal not in SIGNALS:
        raise ValueError(f"there is no signal {signal}")
    each = "group_firsts" if signal == "first_token" else "group_traces"
    first, last = spans.time_range(store, project)
    start, end = max(start_ns, first // DAY * DAY), min(end_ns, last + 1)
    if start >= end:
        return []
    of = rolled.source(
        store, project, TRAFFIC_HOURS, start, end, f"hour, sessions, {each}, {column(signal)}"
    )
    if of.hours * rolled.HOUR < end - start - DAY and held(store, project, start, end) > most:
        return None
    sums = ", ".join(f"{sql} AS {name}" for name, sql in moments(each, column(signal)).items())
    return store.rows(
        f"""
        SELECT intDiv(toUnixTimestamp(hour), {{seconds:UInt32}}) AS block, {sums},
               toUInt64(w) AS items, {COUNT}(sessions) AS sessions
        FROM {of.sql} AS c GROUP BY block HAVING w > 0 ORDER BY block
        """,
        project=project, seconds=seconds, **of.named,
    )  # fmt: skip


def held(store: Store, project: str, start_ns: int, end_ns: int) -> int:
    """About how many traces began in a range (within 1%)."""
    (row,) = store.rows(
        """
        SELECT uniq(trace_id) AS n FROM trace_times
        WHERE project = {project:String} AND first >= fromUnixTimestamp64Nano({start:Int64})
          AND first < fromUnixTimestamp64Nano({end:Int64})
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    return int(row["n"])
