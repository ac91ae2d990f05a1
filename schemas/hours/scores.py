"""Verdicts by the hour: counts by status and reason, and of what is scored the sums of sessions.

Of an item's several rows the newest counts, and it belongs to the hour in which that says that its
span began. An item is a trace, a span or a session, by its level.
"""

from __future__ import annotations

from schemas.hours.rolled import FOR_EVER, HOUR, Ranges, Rolled, live, when

REASON = 200  # characters of a reason that are told apart


def _items(ranges: Ranges, where: str) -> str:
    """The newest row of each item."""
    return f"""
            SELECT v.evaluator AS evaluator, v.evaluator_version AS evaluator_version,
                   v.level AS level,
                   argMax((v.status, v.value, if(v.probability > 0, 1 / v.probability, 1),
                           leftUTF8(v.reason, {REASON}), v.session_id, v.span_start, v.trace_id,
                           v.retry_at, v.rule, v.retention_days), v.scored_at) AS row,
                   max(v.scored_at) AS newest
            FROM scores AS v
            WHERE v.project = {{project:String}} AND {when("v.span_start", ranges, HOUR)}
              AND {live("v.span_start", "v.retention_days")} AND {where}
            GROUP BY evaluator, evaluator_version, level,
                     multiIf(level = 'span', cityHash64(v.trace_id, v.span_id),
                             level = 'session', cityHash64(v.session_id), cityHash64(v.trace_id))
            HAVING {when("row.6", ranges)}"""


_KEYS = "hour, evaluator, evaluator_version, level, status, reason"
_ENDS = f"if(row.10 = 0, {FOR_EVER}, toUnixTimestamp(row.6) + row.10 * 86400)"


def counts(ranges: Ranges, where: str = "1") -> str:
    """`rows` without the columns of units, for questions that ask of none."""
    return f"""
        SELECT toStartOfHour(row.6) AS hour, evaluator, evaluator_version, level,
               row.1 AS status, row.4 AS reason, count() AS items, sum(row.3) AS weight,
               countIf(row.8 > toDateTime64(0, 3, 'UTC')) AS waiting,
               argMax(row.7, (row.6, row.7)) AS example, max(row.6) AS reached,
               max(newest) AS scored, groupUniqArray(toString(row.9)) AS rules,
               sumIf(row.2, row.1 = 'scored') AS total,
               sumIf(row.2 * row.2 * row.3, row.1 = 'scored') AS square, min(1 / row.3) AS lowest
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
            SELECT toStartOfHour(row.6) AS hour, evaluator, evaluator_version, level,
                   row.1 AS status, row.4 AS reason,
                   status = 'scored' AND level = 'trace' AND row.5 = '' AS alone,
                   status = 'scored' AND NOT alone AS told,
                   if(status = 'scored', cityHash64(if(row.5 = '', row.7, row.5)), 0) AS unit,
                   count() AS n, sum(row.3) AS w,
                   countIf(row.8 > toDateTime64(0, 3, 'UTC')) AS waits,
                   argMax(row.7, (row.6, row.7)) AS shown, max(row.6) AS last,
                   max(newest) AS newest1, groupUniqArray(toString(row.9)) AS rules1,
                   sumIf(row.2, row.1 = 'scored') AS plain,
                   sumIf(row.2 * row.3, row.1 = 'scored') AS v,
                   sumIf(row.2 * row.2 * row.3, row.1 = 'scored') AS vv,
                   max(row.2 >= 0.5) AS good, max(row.2 < 0.5) AS bad, min(1 / row.3) AS least,
                   min({_ENDS}) AS ends
            FROM ({_items(ranges, where)})
            GROUP BY {_KEYS}, alone, told, unit
        ) GROUP BY {_KEYS}"""


SCORE_HOURS = Rolled("score_hours", "scores", "span_start", rows)
SCORE_COUNTS = Rolled("score_hours", "scores", "span_start", counts)
