"""Verdicts of one evaluator version in a period, by level, status and reason, and by session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.estimates.means import Moments
from schemas.hours import rolled
from schemas.hours.blocks import DAY, WIDTHS
from schemas.hours.rolled import HOUR, Period, Rolled, Source, halved, mine, when
from schemas.hours.scores import SCORE_COUNTS, SCORE_HOURS, each_unit

# Of an evaluator's version and level: numbers are grouped by faster than names.
_KEY = "cityHash64(evaluator, evaluator_version, level) AS key"


def _source(
    store: Store, project: str, window: tuple[int, int], columns: str, evaluator: str,
    of: Rolled = SCORE_HOURS, cut: int = 0, seconds: int = 0,
) -> Source:  # fmt: skip
    where = "evaluator = {evaluator:String}" if evaluator else "evaluator != ''"
    named: dict[str, Any] = {"evaluator": evaluator} if evaluator else {}
    return rolled.source(
        store, project, of, *window, f"{_KEY}, {columns}", where, cut, seconds, **named
    )


def verdicts(
    store: Store,
    project: str,
    start_ns: int,
    end_ns: int,
    evaluator: str = "",
    whole: Period | None = None,
) -> list[dict[str, Any]]:
    """By evaluator ('': all are asked for), version, level, status and reason (its first 200
    characters), the most frequent first: evaluator, version, level, `key` (of these three), status,
    reason, items, weight (the sum of 1 / probability), waiting (to be tried again), lowest
    (probability), example (a trace of the last one), rules, square (of the values, by weight). Of
    an item the newest row counts. `whole`: a period of which this is one half, where the other is
    asked for, too."""
    start, end, cut = halved(start_ns, end_ns, whole)
    of = _source(
        store, project, (start, end),
        "toString(evaluator) AS e, toString(evaluator_version) AS o, toString(level) AS l,"
        " toString(status) AS s, reason, items, weight, waiting, lowest, rules, example, reached,"
        " square",
        evaluator, SCORE_COUNTS, cut,
    )  # fmt: skip
    rows = store.rows(
        f"""
        SELECT {of.late} AS late, e AS evaluator, o AS version, l AS level, any(key) AS key,
               s AS status, c.reason AS reason, sum(c.items) AS items, sum(c.weight) AS weight,
               sum(c.waiting) AS waiting, min(c.lowest) AS lowest,
               argMax(c.example, (c.reached, c.example)) AS example,
               arraySort(groupUniqArrayArray(c.rules)) AS rules, sum(c.square) AS square
        FROM {of.sql} AS c GROUP BY late, e, o, l, s, c.reason
        ORDER BY items DESC, e, o, l, s, reason
        """,
        project=project, **of.named,
    )  # fmt: skip
    return mine(rows, start_ns, cut)


def of_version(
    rows: list[dict[str, Any]], evaluator: str, version: str
) -> tuple[str, list[dict[str, Any]]]:
    """(the level that most verdicts of a version are of, 'trace' without any; those of it)."""
    own = [row for row in rows if (row["evaluator"], row["version"]) == (evaluator, version)]
    count: dict[str, int] = {}
    for row in own:
        count[row["level"]] = count.get(row["level"], 0) + int(row["items"])
    level = max(sorted(count), key=lambda level: count[level], default="trace")
    return level, [row for row in own if row["level"] == level]


def unit_sums(
    store: Store,
    project: str,
    start_ns: int,
    end_ns: int,
    evaluator: str = "",
    whole: Period | None = None,
) -> list[dict[str, Any]]:
    """By `key` of evaluator ('': all), version and level, sums over sessions (a trace without one
    is its own) of what is scored: units, items, w and v (of 1 / probability, and of the value times
    that), ww, vw, vv, good and bad (units with such an item). `whole` as for `verdicts`."""
    start, end, cut = halved(start_ns, end_ns, whole)
    lone = ", ".join(f"lone_{name}" for name in ("w", "v", "ww", "vw", "vv", "good", "bad"))
    of = _source(
        store, project, (start, end),
        f"lone, {lone}, units, unit_items, unit_weight, unit_value, unit_good, unit_bad", evaluator,
        cut=cut, seconds=DAY,
    )  # fmt: skip
    late = f"start >= {cut // 10**9}" if cut else "0"
    # Whole days are of number 0 too; `d` tells that a session is in the sums of its day already.
    hours = f"""
            SELECT {of.late} AS late, key, unit, i, if(unit = 0, toUInt64(i), 0) AS u, a, b, aa, ba,
                   bb, g, h, 0 AS d
            FROM {of.sql}
            {each_unit({"aa": "ww", "ba": "vw", "bb": "vv"})}"""
    days = f"""
            UNION ALL
            SELECT {late} AS late, {_KEY}, 0 AS unit, items AS i, sessions AS u, w AS a, v AS b,
                   ww AS aa, vw AS ba, vv AS bb, good AS g, bad AS h, 0 AS d
            FROM score_blocks WHERE {of.blocks}
            UNION ALL
            SELECT {late} AS late, {_KEY}, unit, i, 0 AS u, a, b, 0.0 AS aa, 0.0 AS ba,
                   0.0 AS bb, g, h, 1 AS d
            FROM score_blocks
            ARRAY JOIN units AS unit, unit_items AS i, unit_weight AS a, unit_value AS b,
                unit_good AS g, unit_bad AS h
            WHERE {of.blocks} AND unit IN ({_shared(of)})"""
    rows = store.rows(
        f"""
        SELECT late, key, sum(if(unit = 0, toInt64(u1), 1 - du)) AS units, sum(n) AS items,
               sum(w0) AS w, sum(v0) AS v,
               sum(if(unit = 0, w2, w1 * w1 - dw)) AS ww,
               sum(if(unit = 0, vw2, v1 * w1 - dvw)) AS vw,
               sum(if(unit = 0, v2, v1 * v1 - dv)) AS vv,
               sum(if(unit = 0, gs, toInt64(gm) - dg)) AS good,
               sum(if(unit = 0, hs, toInt64(hm) - dh)) AS bad
        FROM (
            SELECT late, key, unit, sumIf(i, d = 0) AS n, sum(u) AS u1, sum(a) AS w1, sum(b) AS v1,
                   sumIf(a, d = 0) AS w0, sumIf(b, d = 0) AS v0,
                   sum(aa) AS w2, sum(ba) AS vw2, sum(bb) AS v2, toInt64(sum(g)) AS gs,
                   toInt64(sum(h)) AS hs,
                   max(g) AS gm, max(h) AS hm, toInt64(sum(d)) AS du, sumIf(a * a, d = 1) AS dw,
                   sumIf(a * b, d = 1) AS dvw, sumIf(b * b, d = 1) AS dv,
                   toInt64(sumIf(g, d = 1)) AS dg, toInt64(sumIf(h, d = 1)) AS dh
            FROM ({hours}{days if of.blocks else ""})
            GROUP BY late, key, unit HAVING sum(i) > 0
        ) GROUP BY late, key
        """,
        project=project, **of.named,
    )  # fmt: skip
    return mine(rows, start_ns, cut)


def _shared(of: Source) -> str:
    """Sessions that may be in two days of a period, or in one and in hours beside them."""
    return f"""
                SELECT unit FROM score_blocks ARRAY JOIN units AS unit WHERE {of.blocks}
                GROUP BY unit HAVING min(start) != max(start)
                UNION ALL SELECT arrayJoin(units) AS unit FROM score_hours WHERE {of.edges}
                UNION ALL
                SELECT cityHash64(if(session_id = '', trace_id, session_id)) AS unit FROM scores
                WHERE project = {{project:String}} AND {when("span_start", of.ranges, HOUR)}"""


def moments(scored: Mapping[str, Any], sums: Sequence[Mapping[str, Any]]) -> Moments:
    """Of a row of `verdicts` about what is scored, and of `unit_sums`, those that are about it."""
    (own,) = (row for row in sums if row["key"] == scored["key"])
    return Moments(square=scored["square"], **{k: v for k, v in own.items() if k != "key"})


def unit_blocks(
    store: Store, project: str, start_ns: int, end_ns: int, seconds: int = 0, evaluator: str = ""
) -> list[dict[str, Any]]:
    """By `key` of evaluator ('': all), version and level, and block of `seconds`, whole hours (0:
    the range is one): units, items, and over the means of units (a trace without a session is its
    own) their sum (means) and that of their squares (squares)."""
    block = "intDiv(toUnixTimestamp({at}), {{seconds:UInt32}})" if seconds else "0"
    of = _source(
        store, project, (start_ns, end_ns),
        "hour, lone, lone_mean, lone_mean2, units, unit_items, unit_weight, unit_value", evaluator,
        seconds=seconds if seconds in WIDTHS else 0,
    )  # fmt: skip
    # Lone units are of number 0 again, with sums in place of weight and value.
    summed = f"""
        UNION ALL
        SELECT {_KEY}, {block.format(at="start")} AS block, sessions AS units, items, means, squares
        FROM score_blocks WHERE {of.blocks}"""
    rows = store.rows(
        f"""
        SELECT key, block, sum(if(unit = 0, n, 1)) AS units, sum(n) AS items,
               sum(if(unit = 0, w, v / w)) AS means, sum(if(unit = 0, v, v / w * v / w)) AS squares
        FROM (
            SELECT key, {block.format(at="hour")} AS block, unit, sum(i) AS n, sum(a) AS w,
                   sum(b) AS v
            FROM {of.sql}
            ARRAY JOIN arrayPushBack(units, 0) AS unit,
                arrayPushBack(unit_items, toUInt32(lone)) AS i,
                arrayPushBack(unit_weight, lone_mean) AS a,
                arrayPushBack(unit_value, lone_mean2) AS b
            GROUP BY key, block, unit HAVING n > 0
        ) GROUP BY key, block {summed if of.blocks else ""}
        """,
        project=project, seconds=seconds, **of.named,
    )  # fmt: skip
    return sorted(rows, key=lambda row: (int(row["key"]), int(row["block"])))
