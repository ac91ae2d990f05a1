"""Verdicts by the hour: counts by status and reason, and of what is scored the sums of sessions.

Of an item's several rows the newest counts, and it belongs to the hour in which that says that its
span began. An item is a trace, a span or a session, by its level.
"""

from __future__ import annotations

from schemas.hours.groups import JOINED, STATE_IF, dense, flags, group
from schemas.hours.layers import halves, needed
from schemas.hours.rolled import FOR_EVER, HOUR, Ranges, Rolled, Wanted, live, when

REASON = 200  # characters of a reason that are told apart


# Of an item's newest row: name -> expression. Each by itself, so that what a question does not ask
# for is not read; rows that tie are told apart the same way for all.
_FIELDS = {
    "state": "v.status", "value1": "v.value",
    "weight1": "if(v.probability > 0, 1 / v.probability, 1)",
    "reason1": f"leftUTF8(v.reason, {REASON})", "at": "v.span_start",
    "trace1": "v.trace_id", "again": "v.retry_at", "rule1": "toString(v.rule)",
    "unit1": "cityHash64(if(v.session_id = '', v.trace_id, v.session_id))",
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
_SCORED = "status = 'scored'"
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
    "lowest": "min(least)", "sessions": f"{JOINED}(crowd)",
    "group_weight": dense("w", _SCORED), "group_value": dense("v", _SCORED),
    "group_good": flags("good", _SCORED), "group_bad": flags("bad", _SCORED),
}  # fmt: skip
_GROUPS = {
    **_NAMED,
    "g": f"if({_SCORED}, {group('unit1')}, 0)", "n": "count()", "w": "sum(weight1)",
    "waits": _WAITS, "shown": "argMax(trace1, (at, trace1))", "last": "max(at)",
    "newest1": "max(newest)", "rules1": "groupUniqArray(rule1)",
    "plain": f"sumIf(value1, {_SCORED})", "v": f"sumIf(value1 * weight1, {_SCORED})",
    "vv": f"sumIf(value1 * value1 * weight1, {_SCORED})",
    "good": "max(value1 >= 0.5)", "bad": "max(value1 < 0.5)", "least": "min(1 / weight1)",
    "crowd": f"{STATE_IF}(unit1, {_SCORED})",
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
    """The SELECT of `score_hours`."""
    told, late, key = halves("at", cut)
    keys = (*_KEYS, "g", *key)
    hours, groups, fields = needed(
        wanted, (*keys, "at"), {**_HOURS, **late}, {**_GROUPS, **told}, _ITEMS
    )
    return f"""
        SELECT {hours} FROM (
            SELECT {groups} FROM ({_items(ranges, where, fields)}) GROUP BY {", ".join(keys)}
        ) GROUP BY {", ".join((*_KEYS, *key))}"""


SCORE_HOURS = Rolled("score_hours", "scores", "span_start", rows)
SCORE_COUNTS = Rolled("score_hours", "scores", "span_start", counts)
