"""Sums of blocks of closed hours, made of the sums of these hours.

What pages ask of sessions does not add up over hours: the square of a session's sum is known once
its hours are together, and so is its mean. Where a course is drawn by blocks of such a width, each
block has its sums over sessions. A period of several days adds up the sums of its days, and puts
right those of the sessions that are in more than one of them, or in hours beside them: a day has
its sessions, too. So both are what the hours say, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schemas.clickhouse import Store
from schemas.hours.rolled import HOUR, Known, blocks_made, closed, stamp, standing
from schemas.hours.scores import SCORE_HOURS, each_unit

DAY = 86_400  # seconds
KEPT_DAYS = 400  # after which is forgotten that a block was made, and it is made anew
SPAN = 60 * HOUR  # of hours that one INSERT reads, at most, but for a longer block
AT = "intDiv(toUnixTimestamp(hour), {seconds:UInt32}) * {seconds:UInt32}"
WIDTHS = (6 * 3600, 14 * 3600, DAY, 60 * 3600)  # seconds
COLUMNS = """start, evaluator, evaluator_version, level, until, sessions, items, w, v, ww, vw, vv,
             good, bad, means, squares, units, unit_items, unit_weight, unit_value, unit_good,
             unit_bad"""


def _rows(where: str, sessions: bool) -> str:
    """A SELECT of COLUMNS from hours under a condition, with the sessions of each block or without
    them."""
    kept = "unit != 0" if sessions else "0"
    return f"""
        SELECT toDateTime(at, 'UTC') AS start, evaluator, evaluator_version, level,
               min(ends) AS until, sum(if(unit = 0, n, 1)) AS sessions, sum(n) AS items,
               sum(w1) AS w, sum(v1) AS v, sum(if(unit = 0, w2, w1 * w1)) AS ww,
               sum(if(unit = 0, vw2, v1 * w1)) AS vw, sum(if(unit = 0, v2, v1 * v1)) AS vv,
               sum(g1) AS good, sum(h1) AS bad, sum(if(unit = 0, m1, v1 / w1)) AS means,
               sum(if(unit = 0, m2, v1 / w1 * v1 / w1)) AS squares,
               groupArrayIf(unit, {kept}) AS units,
               groupArrayIf(toUInt32(n), {kept}) AS unit_items,
               groupArrayIf(w1, {kept}) AS unit_weight, groupArrayIf(v1, {kept}) AS unit_value,
               groupArrayIf(toUInt8(g1), {kept}) AS unit_good,
               groupArrayIf(toUInt8(h1), {kept}) AS unit_bad
        FROM (
            SELECT {AT} AS at, evaluator, evaluator_version, level, unit, min(until) AS ends,
                   sum(i) AS n, sum(a) AS w1, sum(b) AS v1, sum(aa) AS w2, sum(ba) AS vw2,
                   sum(bb) AS v2, sum(m) AS m1, sum(mm) AS m2,
                   if(unit = 0, sum(g), max(g)) AS g1, if(unit = 0, sum(h), max(h)) AS h1
            FROM score_hours
            {each_unit({"aa": "ww", "ba": "vw", "bb": "vv", "m": "mean", "mm": "mean2"})}
            WHERE {where} AND status = 'scored'
            GROUP BY at, evaluator, evaluator_version, level, unit HAVING n > 0
        ) GROUP BY at, evaluator, evaluator_version, level"""


def due(store: Store, project: str, known: Known) -> list[tuple[int, list[int]]]:
    """(width in seconds, starts in ns) of what one INSERT makes each: blocks whose hours are all
    made and which are not made of them, the newest first."""
    found, told = [], blocks_made(store, project, SCORE_HOURS)
    for seconds in WIDTHS:
        width = seconds * 10**9
        made = set(standing(told, known, seconds))
        starts = sorted({hour // width * width for hour in known.made} - made)
        whole = [at for at in starts if known.made.keys() >= set(range(at, at + width, HOUR))]
        most = max(1, SPAN // width)
        found += [(seconds, whole[n : n + most]) for n in range(0, len(whole), most)]
    return sorted(found, key=lambda each: -each[1][-1])


def make(
    store: Store, project: str, known: Known, seconds: int, starts: Sequence[int], made: int
) -> None:  # fmt: skip
    """Make blocks of the makings of their hours that are known, `made` in us; first their sums."""
    width = seconds * 10**9
    inside = {at: [known.made[hour] for hour in range(at, at + width, HOUR)] for at in starts}
    pairs = ", ".join(
        f"({(at + n * HOUR) // 10**9}, {us})" for at, all_us in inside.items()
        for n, us in enumerate(all_us)
    )  # fmt: skip
    mine = f"""project = {{project:String}}
              AND hour >= {starts[0] // 10**9} AND hour < {(starts[-1] + width) // 10**9}
              AND (toUnixTimestamp(hour), toUnixTimestamp64Micro(made)) IN ({pairs})"""
    store.command(
        f"""
        INSERT INTO score_blocks (project, seconds, made, {COLUMNS})
        SELECT {{project:String}} AS project, {{seconds:UInt32}} AS seconds,
               fromUnixTimestamp64Micro({{made:Int64}}) AS made, {COLUMNS}
        FROM ({_rows(mine, seconds == DAY)})
        SETTINGS max_insert_threads = 1, max_threads = 1
        """,
        project=project, seconds=seconds, made=made,
    )  # fmt: skip
    told = ", ".join(f"({at // 10**9}, {stamp(all_us)})" for at, all_us in inside.items())
    store.command(
        f"""
        INSERT INTO hour_blocks (project, sums, seconds, start, made, stamp, until)
        SELECT {{project:String}} AS project, {{table:String}} AS sums,
               {{seconds:UInt32}} AS seconds, toDateTime(one.1, 'UTC') AS start,
               fromUnixTimestamp64Micro({{made:Int64}}) AS made, one.2 AS stamp,
               now() + toIntervalDay({KEPT_DAYS}) AS until
        FROM (SELECT arrayJoin([{told}]) AS one)
        """,
        project=project, table=SCORE_HOURS.table, seconds=seconds, made=made,
    )  # fmt: skip


def keep(
    store: Store, project: str, made_us: Callable[[], int], most: int,
    wanted: Callable[[], bool] = lambda: True,
) -> int:  # fmt: skip
    """Make what is due of a project, by `most` INSERTs; how many wait. `wanted` is asked between
    them."""
    known = closed(store, project, SCORE_HOURS)
    todo = due(store, project, known)
    for n, (seconds, starts) in enumerate(todo[:most]):
        if not wanted():
            return len(todo) - n
        make(store, project, known, seconds, starts, made_us())
    return max(0, len(todo) - most)
