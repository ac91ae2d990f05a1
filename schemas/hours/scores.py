"""Verdicts by the hour: counts by status and reason, and of what is scored the sums of sessions.

Of an item's several rows the newest counts, and it belongs to the hour in which that says that its
span began. An item is a trace, a span or a session, by its level.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.hours.layers import halves, needed
from schemas.hours.rolled import FOR_EVER, HOUR, Ranges, Rolled, Wanted, live, when

REASON = 200  # characters of a reason that are told apart


# Of an item's newest row: name -> expression. Each by itself, so that what a question does not ask
# for is not read; rows that tie are told apart the same way for all.
_FIELDS = {
    "state": "v.status", "value1": "v.value",
    "weight1": "if(v.probability > 0, 1 / v.probability, 1)",
    "reason1": f"leftUTF8(v.reason, {REASON})", "session1": "v.session_id", "at": "v.span_start",
    "trace1": "v.trace_id", "again": "v.retry_at", "rule1": "toString(v.rule)",
    "days": "v.retention_days",
}  # fmt: skip


_ITEMS = {
    **{name: f"argMax({sql}, v.scored_at)" for name, sql in _FIELDS.items()},
    "newest": "max(v.scored_at)",
}  # fmt: skip
_KEYS = ("hour", "evaluator", "evaluator_version", "level", "status", "reason")
_NAMED = {
    "hour": "toStartOfHour(at)", "evaluator": "evaluator",
    "evaluator_version": "evaluator_version", "level": "level", "status": "state",
    "reason": "if(status = 'scored', '', reason1)",
}  # fmt: skip
_WAITS = "countIf(again > toDateTime64(0, 3, 'UTC'))"
_COUNTS = {
    **_NAMED, "items": "count()", "weight": "sum(weight1)", "waiting": _WAITS,
    "example": "argMax(trace1, (at, trace1))", "reached": "max(at)", "scored": "max(newest)",
    "rules": "groupUniqArray(rule1)", "total": "sumIf(value1, state = 'scored')",
    "square": "sumIf(value1 * value1 * weight1, state = 'scored')", "lowest": "min(1 / weight1)",
}  # fmt: skip
_HOURS = {
    **{name: name for name in _NAMED}, "until": "toDateTime(min(ends), 'UTC')",
    "items": "sum(n)", "weight": "sum(w)", "waiting": "sum(waits)",
    "example": "argMax(shown, (last, shown))", "reached": "max(last)", "scored": "max(newest1)",
    "rules": "groupUniqArrayArray(rules1)", "total": "sum(plain)", "square": "sum(vv)",
    "lowest": "min(least)", "lone": "countIf(alone)", "lone_w": "sumIf(w, alone)",
    "lone_v": "sumIf(v, alone)", "lone_ww": "sumIf(w * w, alone)",
    "lone_vw": "sumIf(v * w, alone)", "lone_vv": "sumIf(v * v, alone)",
    "lone_good": "sumIf(good, alone)", "lone_bad": "sumIf(bad, alone)",
    "lone_mean": "sumIf(v / w, alone)", "lone_mean2": "sumIf(v * v / w / w, alone)",
    "units": "groupArrayIf(unit, told)", "unit_items": "groupArrayIf(toUInt32(n), told)",
    "unit_weight": "groupArrayIf(w, told)", "unit_value": "groupArrayIf(v, told)",
    "unit_good": "groupArrayIf(good, told)", "unit_bad": "groupArrayIf(bad, told)",
}  # fmt: skip
_UNITS = {
    **_NAMED, "alone": "status = 'scored' AND level = 'trace' AND session1 = ''",
    "told": "status = 'scored' AND NOT alone",
    "unit": "if(status = 'scored', cityHash64(if(session1 = '', trace1, session1)), 0)",
    "n": "count()", "w": "sum(weight1)", "waits": _WAITS,
    "shown": "argMax(trace1, (at, trace1))", "last": "max(at)", "newest1": "max(newest)",
    "rules1": "groupUniqArray(rule1)", "plain": "sumIf(value1, state = 'scored')",
    "v": "sumIf(value1 * weight1, state = 'scored')",
    "vv": "sumIf(value1 * value1 * weight1, state = 'scored')",
    "good": "max(value1 >= 0.5)", "bad": "max(value1 < 0.5)", "least": "min(1 / weight1)",
    "ends": f"min(if(days = 0, {FOR_EVER}, toUnixTimestamp(at) + days * 86400))",
}  # fmt: skip


def _items(ranges: Ranges, where: str, fields: str) -> str:
    """The newest row of each item."""
    return f"""
            SELECT v.evaluator AS evaluator, v.evaluator_version AS evaluator_version,
                   v.level AS level, {fields}
            FROM scores AS v
            WHERE v.project = {{project:String}} AND {when("v.span_start", ranges, HOUR)}
              AND {live("v.span_start", "v.retention_days")} AND {where}
            GROUP BY evaluator, evaluator_version, level,
                     multiIf(level = 'span', cityHash64(v.trace_id, v.span_id),
                             level = 'session', cityHash64(v.session_id), cityHash64(v.trace_id))
            HAVING {when("at", ranges)}"""


def counts(ranges: Ranges, where: str = "1", wanted: Wanted = None, cut: int = 0) -> str:
    """`rows` without the columns of units, for questions that ask of none."""
    told, _, key = halves("at", cut)
    keys = (*_KEYS, *key)
    found, fields = needed(wanted, (*keys, "at"), {**_COUNTS, **told}, _ITEMS)
    return f"SELECT {found} FROM ({_items(ranges, where, fields)}) GROUP BY {', '.join(keys)}"


def rows(ranges: Ranges, where: str = "1", wanted: Wanted = None, cut: int = 0) -> str:
    """The SELECT of `score_hours`. Traces without a session are lone units, and those of spans are
    not: their spans may begin in two hours."""
    told, late, key = halves("at", cut)
    keys = (*_KEYS, "alone", "told", "unit", *key)
    hours, units, fields = needed(
        wanted, (*keys, "at"), {**_HOURS, **late}, {**_UNITS, **told}, _ITEMS
    )
    return f"""
        SELECT {hours} FROM (
            SELECT {units} FROM ({_items(ranges, where, fields)}) GROUP BY {", ".join(keys)}
        ) GROUP BY {", ".join((*_KEYS, *key))}"""


def each_unit(lone: Mapping[str, str]) -> str:
    """The ARRAY JOIN that makes a row of each unit: unit, i (items), a (weight), b (value), g and h
    (good, bad). Lone units stand behind the others as one of number 0, which brings its sums along:
    alias -> column lone_* of those that only it has, 0 elsewhere."""
    only = ", ".join(
        f"arrayPushBack(arrayWithConstant(length(units), 0.0), lone_{name}) AS {alias}"
        for alias, name in lone.items()
    )
    return f"""ARRAY JOIN arrayPushBack(units, 0) AS unit,
                arrayPushBack(unit_items, toUInt32(lone)) AS i,
                arrayPushBack(unit_weight, lone_w) AS a, arrayPushBack(unit_value, lone_v) AS b,
                arrayPushBack(CAST(unit_good, 'Array(UInt64)'), lone_good) AS g,
                arrayPushBack(CAST(unit_bad, 'Array(UInt64)'), lone_bad) AS h, {only}"""


SCORE_HOURS = Rolled("score_hours", "scores", "span_start", rows)
SCORE_COUNTS = Rolled("score_hours", "scores", "span_start", counts)
