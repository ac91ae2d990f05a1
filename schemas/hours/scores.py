"""Verdicts by the hour: counts by status and reason, and of what is scored the sums of sessions.

Of an item's several rows the newest counts, and it belongs to the hour in which that says that its
span began. An item is a trace, a span or a session, by its level.
"""

from __future__ import annotations

from schemas.hours.rolled import FOR_EVER, HOUR, Ranges, Rolled, live, when

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


def _items(ranges: Ranges, where: str) -> str:
    """The newest row of each item."""
    fields = ", ".join(f"argMax({sql}, v.scored_at) AS {name}" for name, sql in _FIELDS.items())
    return f"""
            SELECT v.evaluator AS evaluator, v.evaluator_version AS evaluator_version,
                   v.level AS level, {fields}, max(v.scored_at) AS newest
            FROM scores AS v
            WHERE v.project = {{project:String}} AND {when("v.span_start", ranges, HOUR)}
              AND {live("v.span_start", "v.retention_days")} AND {where}
            GROUP BY evaluator, evaluator_version, level,
                     multiIf(level = 'span', cityHash64(v.trace_id, v.span_id),
                             level = 'session', cityHash64(v.session_id), cityHash64(v.trace_id))
            HAVING {when("at", ranges)}"""


_KEYS = "hour, evaluator, evaluator_version, level, status, reason"
_NAMES = """toStartOfHour(at) AS hour, evaluator, evaluator_version, level, state AS status,
               if(status = 'scored', '', reason1) AS reason"""
_WAITS = "countIf(again > toDateTime64(0, 3, 'UTC'))"


def counts(ranges: Ranges, where: str = "1") -> str:
    """`rows` without the columns of units, for questions that ask of none."""
    return f"""
        SELECT {_NAMES}, count() AS items, sum(weight1) AS weight, {_WAITS} AS waiting,
               argMax(trace1, (at, trace1)) AS example, max(at) AS reached,
               max(newest) AS scored, groupUniqArray(rule1) AS rules,
               sumIf(value1, state = 'scored') AS total,
               sumIf(value1 * value1 * weight1, state = 'scored') AS square,
               min(1 / weight1) AS lowest
        FROM ({_items(ranges, where)}) GROUP BY {_KEYS}"""


def rows(ranges: Ranges, where: str = "1") -> str:
    """The SELECT of `score_hours`. Traces without a session are lone units, and those of spans are
    not: their spans may begin in two hours."""
    return f"""
        SELECT {_KEYS}, toDateTime(min(ends), 'UTC') AS until, sum(n) AS items, sum(w) AS weight,
               sum(waits) AS waiting, argMax(shown, (last, shown)) AS example,
               max(last) AS reached, max(newest1) AS scored,
               groupUniqArrayArray(rules1) AS rules, sum(plain) AS total, sum(vv) AS square,
               min(least) AS lowest,
               countIf(alone) AS lone, sumIf(w, alone) AS lone_w, sumIf(v, alone) AS lone_v,
               sumIf(w * w, alone) AS lone_ww, sumIf(v * w, alone) AS lone_vw,
               sumIf(v * v, alone) AS lone_vv, sumIf(good, alone) AS lone_good,
               sumIf(bad, alone) AS lone_bad, sumIf(v / w, alone) AS lone_mean,
               sumIf(v * v / w / w, alone) AS lone_mean2,
               groupArrayIf(unit, told) AS units, groupArrayIf(toUInt32(n), told) AS unit_items,
               groupArrayIf(w, told) AS unit_weight, groupArrayIf(v, told) AS unit_value,
               groupArrayIf(good, told) AS unit_good, groupArrayIf(bad, told) AS unit_bad
        FROM (
            SELECT {_NAMES}, status = 'scored' AND level = 'trace' AND session1 = '' AS alone,
                   status = 'scored' AND NOT alone AS told,
                   if(status = 'scored', cityHash64(if(session1 = '', trace1, session1)), 0)
                       AS unit,
                   count() AS n, sum(weight1) AS w, {_WAITS} AS waits,
                   argMax(trace1, (at, trace1)) AS shown, max(at) AS last,
                   max(newest) AS newest1, groupUniqArray(rule1) AS rules1,
                   sumIf(value1, state = 'scored') AS plain,
                   sumIf(value1 * weight1, state = 'scored') AS v,
                   sumIf(value1 * value1 * weight1, state = 'scored') AS vv,
                   max(value1 >= 0.5) AS good, max(value1 < 0.5) AS bad, min(1 / weight1) AS least,
                   min(if(days = 0, {FOR_EVER}, toUnixTimestamp(at) + days * 86400)) AS ends
            FROM ({_items(ranges, where)})
            GROUP BY {_KEYS}, alone, told, unit
        ) GROUP BY {_KEYS}"""


SCORE_HOURS = Rolled("score_hours", "scores", "span_start", rows)
SCORE_COUNTS = Rolled("score_hours", "scores", "span_start", counts)
