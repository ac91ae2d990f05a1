"""Verdicts of a period by evaluator, level, status, reason, and sums over groups of sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.estimates.means import Moments
from schemas.hours import rolled
from schemas.hours.groups import COUNT, moments
from schemas.hours.rolled import HOUR, Period, halved, mine
from schemas.hours.scores import SCORE_HOURS

BLOCKS = 24  # of a period, where nobody asks for a width
SUMS = ("items", "w", "v", "ww", "vw", "vv", "good", "bad")
_SUMS = {
    **moments("group_weight", "group_value"),
    "good": "arraySum(maxForEach(group_good))", "bad": "arraySum(maxForEach(group_bad))",
}  # fmt: skip
Rows = list[dict[str, Any]]


def width(start_ns: int, end_ns: int) -> int:
    """Seconds of one of about BLOCKS blocks of a period, in whole hours."""
    return max(1, round((end_ns - start_ns) / BLOCKS / HOUR)) * 3600


def judged(
    store: Store, project: str, start_ns: int, end_ns: int, cut: int = 0, evaluator: str = "",
    seconds: int = 0,
) -> tuple[Rows, Rows]:  # fmt: skip
    """Of an evaluator ('': of all) in [start, end), in one question, so that a page asks it once:

    By evaluator, version, level, status and reason (its first 200 characters), and with a `cut`
    (ns) by `late`, whether it began from there on, the most frequent first: items, weight (the sum
    of 1 / probability), waiting (to be tried again), lowest (probability), example (a trace of the
    last one), rules, square (of the values, by weight); of what is scored, too, sessions (a trace
    without one is its own) and over `groups` of them (schemas.hours.groups) the sums w (of
    1 / probability), v (of the value times that), ww, vw, vv, and how many hold a good item and a
    bad one (good, bad). And of what is scored by evaluator, version, level and `block` of `seconds`
    (whole hours since 1970; 0: `width`): items, sessions, groups, w, v, ww, vw, vv. Of an item the
    newest row counts."""
    of = rolled.source(
        store, project, SCORE_HOURS, start_ns, end_ns,
        "hour, toString(evaluator) AS e, toString(evaluator_version) AS o, toString(level) AS l,"
        " toString(status) AS s, reason, items, weight, waiting, lowest, rules, example, reached,"
        " square, sessions, group_weight, group_value, group_good, group_bad",
        "evaluator = {evaluator:String}" if evaluator else "evaluator != ''", cut,
        **({"evaluator": evaluator} if evaluator else {}),
    )  # fmt: skip
    sums = ", ".join(f"{sql} AS {name}" for name, sql in _SUMS.items())
    rows = store.rows(
        f"""
        SELECT {of.late} AS late, intDiv(toUnixTimestamp(hour), {{seconds:UInt32}}) AS block,
               grouping(block) AS whole, e AS evaluator, o AS version, l AS level, s AS status,
               c.reason AS reason, sum(c.items) AS every, sumIf(c.items, s = 'scored') AS items,
               sum(c.weight) AS weight, sum(c.waiting) AS waiting, min(c.lowest) AS lowest,
               argMax(c.example, (c.reached, c.example)) AS example,
               arraySort(groupUniqArrayArray(c.rules)) AS rules, sum(c.square) AS square,
               {COUNT}(c.sessions) AS sessions, {sums}
        FROM {of.sql} AS c
        GROUP BY GROUPING SETS ((late, e, o, l, s, c.reason), (block, e, o, l))
        ORDER BY every DESC, e, o, l, s, reason, block
        """,
        project=project, seconds=seconds or width(start_ns, end_ns), **of.named,
    )  # fmt: skip
    whole = [{**row, "items": row["every"]} for row in rows if row["whole"]]
    return whole, [row for row in rows if not row["whole"] and row["items"]]


def verdicts(
    store: Store, project: str, start_ns: int, end_ns: int, evaluator: str = "",
    whole: Period | None = None,
) -> Rows:  # fmt: skip
    """The first of what `judged` tells. `whole`: a period of which this is one half, where the
    other is asked for, too."""
    start, end, cut = halved(start_ns, end_ns, whole)
    return mine(judged(store, project, start, end, cut, evaluator)[0], start_ns, cut)


def of_version(rows: Sequence[Mapping[str, Any]], evaluator: str, version: str) -> tuple[str, Rows]:
    """(the level that most verdicts of a version are of, 'trace' without any; those of it)."""
    own = [dict(row) for row in rows if (row["evaluator"], row["version"]) == (evaluator, version)]
    count: dict[str, int] = {}
    for row in own:
        count[row["level"]] = count.get(row["level"], 0) + int(row["items"])
    level = max(sorted(count), key=lambda level: count[level], default="trace")
    return level, [row for row in own if row["level"] == level]


def of_sessions(scored: Mapping[str, Any]) -> Moments:
    """Of a row of `verdicts` about what is scored."""
    return Moments(
        units=scored["sessions"], square=scored["square"], **{name: scored[name] for name in SUMS}
    )
