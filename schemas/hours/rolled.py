"""Which hours of a range are summed and still true, and one source of both sums and raw rows.

A row of hour h is made of what lies in [h - 1 h, h + 2 h), because a trace is taken to last an hour
at most. It holds as long as nothing that was stored after its `seen` lies there, which a page looks
for itself: spans and scores have an index of when they were stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store
from schemas.hours.layers import names

HOUR = 3600 * 10**9
QUIET = 300  # seconds after which what was stored is whole: longer than the longest INSERT
RANGES = 24  # stretches that are read raw in one query, at most; near ones are joined
SHORT = 4 * HOUR  # ranges that are read raw without asking
FOR_EVER = "4294967295"  # seconds since 1970, for what has no retention
LATE = "toUInt8(late)"
END = 2**62  # ns since 1970: later than all
Ranges = Sequence[tuple[int, int]]
Period = tuple[int, int]  # [start, end) in ns
Wanted = Set[str] | None  # columns that are read of a SELECT, None: all


@dataclass(frozen=True, slots=True)
class Rolled:
    """A table of sums by the hour. `raw` and `time`: the table that it is made of and its time;
    `rows`: a SELECT with the table's columns but project, made and seen, of the hours of some
    ranges of a project, under a further condition, or some of these columns. With a moment as its
    fourth argument an hour has two rows, told apart by `late`: what began from then on."""

    table: str
    raw: str
    time: str
    rows: Callable[[Ranges, str, Wanted, int], str]


@dataclass(frozen=True, slots=True)
class Source:
    """`sql`: a table expression in parentheses of the columns that were asked for; `named` are its
    parameters, beside `project`. `hours`: how many closed hours are in it. `late`: an expression
    that tells what began from the cut on, 0 without one."""

    sql: str
    named: dict[str, Any]
    hours: int
    late: str


def when(column: str, ranges: Ranges, near: int = 0) -> str:
    """A condition: a time in one of the ranges, or within `near` ns of one."""
    some = " OR ".join(
        f"({column} >= fromUnixTimestamp64Nano({int(max(0, a - near))})"
        f" AND {column} < fromUnixTimestamp64Nano({int(b + near)}))"
        for a, b in ranges
    )
    return f"({some})" if some else "0"


def live(time: str, days: str) -> str:
    """A condition: a row's retention is not over. The engine drops such rows some hours later."""
    return f"({days} = 0 OR {time} > now() - toIntervalDay({days}))"


@dataclass(frozen=True, slots=True)
class Known:
    """Whole hours that are summed and true now, in ns, oldest first; before `first` (ns) there is
    no row."""

    hours: Sequence[int] = ()
    first: int = 0


def closed(store: Store, project: str, of: Rolled) -> Known:
    """What is summed of a project. Asked in the same words for every period, so that a page asks it
    once."""
    made = store.rows(
        f"""
        SELECT toUnixTimestamp(hour) AS at, argMax(toUnixTimestamp64Milli(seen), made) AS seen_ms,
               argMax(until, made) > now() AS holds, toUnixTimestamp64Milli(max(made)) AS made_ms
        FROM {of.table} WHERE project = {{project:String}} GROUP BY at ORDER BY at
        """,
        project=project,
    )
    looked, first = 0, 0
    for row in made[:1]:
        if row["at"] == 0:  # when the project was last looked at, and its first hour
            looked, first = int(row["made_ms"]), int(row["seen_ms"]) * 10**6
    held = [row for row in made if row["at"] and row["holds"]]
    seen = {int(row["at"]) * 10**9: int(row["seen_ms"]) for row in held}
    if not seen:
        return Known()
    rows = store.rows(
        f"""
        SELECT toUnixTimestamp(toStartOfHour({of.time})) AS at,
               toUnixTimestamp64Milli(max(stored_at)) AS last_ms
        FROM {of.raw} WHERE project = {{project:String}}
          AND stored_at > fromUnixTimestamp64Milli({{since:Int64}})
          AND {of.time} < fromUnixTimestamp64Nano({{last:Int64}}) GROUP BY at
        """,
        project=project, last=max(seen) + 2 * HOUR,
        since=max(0, min(looked - 2000 * QUIET, max(seen.values()))),
    )  # fmt: skip
    later = {int(row["at"]) * 10**9: int(row["last_ms"]) for row in rows}
    return Known(sorted(still(seen, later)), min([first, *later]))


def still(seen: dict[int, int], later: dict[int, int]) -> Iterable[int]:
    """Of hours, by what they have seen, those near which nothing was stored later."""
    for hour, at in seen.items():
        if all(later.get(hour + step * HOUR, 0) <= at for step in (-1, 0, 1)):
            yield hour


def rest(hours: Sequence[int], start_ns: int, end_ns: int) -> tuple[list[int], Ranges]:
    """(the hours that are used, what of [start, end) they leave to be read raw): at most RANGES
    stretches, for which those least apart are joined."""
    ranges: list[tuple[int, int]] = []
    at = start_ns
    for hour in hours:
        if hour > at:
            ranges.append((at, hour))
        at = hour + HOUR
    if at < end_ns:
        ranges.append((at, end_ns))
    while len(ranges) > RANGES:
        n = min(range(len(ranges) - 1), key=lambda n: ranges[n + 1][0] - ranges[n][1])
        ranges[n : n + 2] = [(ranges[n][0], ranges[n + 1][1])]
    used = [hour for hour in hours if not any(a <= hour < b for a, b in ranges)]
    return used, ranges


def source(
    store: Store, project: str, of: Rolled, start_ns: int, end_ns: int, columns: str,
    where: str = "1", cut: int = 0, **named: Any,
) -> Source:  # fmt: skip
    """Rows by the hour of [start, end), from sums where they are true, else made of raw rows.
    `where`: a condition on columns that both the table and its raw table have; `named` are its
    parameters. With a `cut` (ns) there is a column `late` too: what began from then on. One query
    of a period and the one before it costs little more than one of either."""
    known = closed(store, project, of) if end_ns - start_ns >= SHORT else Known()
    inside = [hour for hour in known.hours if start_ns <= hour and hour + HOUR <= end_ns
              and not hour < cut < hour + HOUR]  # fmt: skip
    used, ranges = rest(inside, max(start_ns, known.first), end_ns)
    parts = []
    wanted = {*names(columns), *(["late"] if cut else [])}
    summed, told = (f", hour >= {int(cut // 10**9)} AS late", ", late") if cut else ("", "")
    if used:
        # The rows of one making appear at once; of a making before it some may be there still.
        mine = f"project = {{project:String}} AND ({_stretches(used)})"
        newest = f"SELECT hour, max(made) FROM {of.table} WHERE {mine} GROUP BY hour"
        parts.append(f"""SELECT {columns}{summed} FROM {of.table}
                WHERE {mine} AND {where} AND (hour, made) IN ({newest})""")
    if ranges:
        parts.append(f"SELECT {columns}{told} FROM ({of.rows(ranges, where, wanted, cut)})")
    if not parts:
        parts.append(f"SELECT {columns}{summed} FROM {of.table} WHERE {where} AND 0")
    return Source(f"({' UNION ALL '.join(parts)})", named, len(used), LATE if cut else "0")


def _stretches(hours: Sequence[int]) -> str:
    """A condition: an hour is one of these."""
    found: list[list[int]] = []
    for hour in hours:
        if found and found[-1][1] == hour:
            found[-1][1] = hour + HOUR
        else:
            found.append([hour, hour + HOUR])
    return " OR ".join(
        f"(hour >= {int(a // 10**9)} AND hour < {int(b // 10**9)})" for a, b in found
    )


def halved(start_ns: int, end_ns: int, whole: Period | None) -> tuple[int, int, int]:
    """(start, end, cut) of what is read for a period: its own, or those of a longer one of which it
    is the beginning or the end, up to the cut or from it on. Raises ValueError for its middle."""
    if whole is None:
        return start_ns, end_ns, 0
    if start_ns != whole[0] and end_ns != whole[1]:
        raise ValueError("a half of a period begins or ends with it")
    return *whole, end_ns if start_ns == whole[0] else start_ns


def half(rows: Iterable[dict[str, Any]], start_ns: int, cut: int) -> dict[str, Any] | None:
    """Of rows with `late` that of the half that begins at `start_ns`."""
    return next(iter(mine(rows, start_ns, cut)), None)


def mine(rows: Iterable[dict[str, Any]], start_ns: int, cut: int) -> list[dict[str, Any]]:
    """Of rows with `late`, which is taken out, those of the half that begins at `start_ns`; all
    without a cut."""
    return [
        {name: value for name, value in row.items() if name != "late"}
        for row in rows
        if not cut or bool(row["late"]) == (start_ns == cut)
    ]
