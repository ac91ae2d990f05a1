"""Verdicts of one evaluator version in a period, by level, status and reason, and by session."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.hours import rolled
from schemas.hours.scores import SCORE_COUNTS, SCORE_HOURS

_OURS = "evaluator = {evaluator:String} AND evaluator_version = {version:String}"
_SUMS = """
        SELECT sum(u) AS units, sum(n) AS items, sum(w) AS weights, sum(v) AS valued,
               sum(ww) AS ww1, sum(vw) AS vw1, sum(vv) AS vv1, sum(squares) AS square1,
               sum(goods) AS good1, sum(bads) AS bad1
        FROM (
            SELECT 1 AS u, sum(i) AS n, sum(a) AS w, sum(b) AS v, w * w AS ww, v * w AS vw,
                   v * v AS vv, 0 AS squares, max(g) AS goods, max(h) AS bads
            FROM (SELECT * FROM {source} WHERE status = 'scored' AND level = {{level:String}})
            ARRAY JOIN units AS unit, unit_items AS i, unit_weight AS a, unit_value AS b,
                       unit_good AS g, unit_bad AS h
            GROUP BY unit
            UNION ALL
            SELECT sum(lone), sum(lone), sum(lone_w), sum(lone_v), sum(lone_ww), sum(lone_vw),
                   sum(lone_vv), sum(square), sum(lone_good), sum(lone_bad)
            FROM {source} WHERE status = 'scored' AND level = {{level:String}}
        )"""
_BLOCKS = """
        SELECT block, sum(u) AS units, sum(n) AS items, sum(m) AS means, sum(mm) AS squares
        FROM (
            SELECT block, 1 AS u, sum(i) AS n, sum(b) / sum(a) AS m, m * m AS mm
            FROM (
                SELECT {block} AS block, units, unit_items, unit_weight, unit_value
                FROM {source} WHERE status = 'scored' AND level = {{level:String}}
            ) ARRAY JOIN units AS unit, unit_items AS i, unit_weight AS a, unit_value AS b
            GROUP BY block, unit
            UNION ALL
            SELECT {block} AS block, sum(lone), sum(lone), sum(lone_mean), sum(lone_mean2)
            FROM {source} WHERE status = 'scored' AND level = {{level:String}} GROUP BY block
        ) GROUP BY block HAVING units > 0 ORDER BY block"""


def verdicts(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> list[dict[str, Any]]:  # fmt: skip
    """By level, status and reason (its first 200 characters), the most frequent first: level,
    status, reason, items, weight (the sum of 1 / probability), waiting (to be tried again), lowest
    (probability), example (a trace of the last one), rules. Of an item the newest row counts."""
    of = rolled.source(
        store, project, SCORE_COUNTS, start_ns, end_ns,
        "toString(level) AS l, toString(status) AS s, reason, items, weight, waiting, lowest,"
        " rules, example, reached",
        _OURS, evaluator=evaluator, version=version,
    )  # fmt: skip
    return store.rows(
        f"""
        SELECT l AS level, s AS status, c.reason AS reason, sum(c.items) AS items,
               sum(c.weight) AS weight, sum(c.waiting) AS waiting, min(c.lowest) AS lowest,
               argMax(c.example, (c.reached, c.example)) AS example,
               arraySort(groupUniqArrayArray(c.rules)) AS rules
        FROM {of.sql} AS c GROUP BY l, s, c.reason ORDER BY items DESC, l, s, reason
        """,
        project=project, **of.named,
    )  # fmt: skip


def main_level(rows: list[dict[str, Any]]) -> str:
    """The level that most verdicts are of; 'trace' without any."""
    count: dict[str, int] = {}
    for row in rows:
        count[row["level"]] = count.get(row["level"], 0) + int(row["items"])
    return max(sorted(count), key=lambda level: count[level], default="trace")


def unit_sums(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    level: str = "trace",
) -> dict[str, Any]:  # fmt: skip
    """Sums over sessions (a trace without one is its own) of what is scored: units, items, w and v
    (of 1 / probability, and of the value times that), ww, vw, vv, square (of the items' squared
    values by weight), good and bad (units with such an item)."""
    columns = """status, level, square, lone, lone_w, lone_v, lone_ww, lone_vw, lone_vv, lone_good,
            lone_bad, units, unit_items, unit_weight, unit_value, unit_good, unit_bad"""
    of = rolled.source(
        store, project, SCORE_HOURS, start_ns, end_ns, columns, _OURS, evaluator=evaluator,
        version=version,
    )  # fmt: skip
    (row,) = store.rows(_SUMS.format(source=of.sql), project=project, level=level, **of.named)
    renamed = {"weights": "w", "valued": "v"}
    return {renamed.get(name, name.removesuffix("1")): value for name, value in row.items()}


def unit_blocks(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    seconds: int = 0, level: str = "trace",
) -> list[dict[str, Any]]:  # fmt: skip
    """By block of `seconds`, whole hours (0: the range is one): block, units, items, and over the
    means of units their sum (means) and that of their squares (squares)."""
    of = rolled.source(
        store, project, SCORE_HOURS, start_ns, end_ns,
        "hour, status, level, lone, lone_mean, lone_mean2, units, unit_items, unit_weight,"
        " unit_value",
        _OURS, evaluator=evaluator, version=version,
    )  # fmt: skip
    block = "intDiv(toUnixTimestamp(hour), {seconds:UInt32})" if seconds else "0"
    return store.rows(
        _BLOCKS.format(source=of.sql, block=block), project=project, level=level,
        seconds=seconds, **of.named,
    )  # fmt: skip
