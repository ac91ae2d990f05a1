"""Calls of models by the hour in which their span began."""

from __future__ import annotations

from schemas.hours.layers import halves, needed
from schemas.hours.rolled import FOR_EVER, Ranges, Rolled, Wanted, live, when

_CALLS = {
    "hour": "toStartOfHour(s.start_time)", "model": "s.model", "provider": "s.provider",
    "until": f"toDateTime(min(if(s.retention_days = 0, {FOR_EVER},"
             " toUnixTimestamp(s.start_time) + s.retention_days * 86400)), 'UTC')",
    "spans": "count()", "characters": "sum(toUInt64(s.input_length) + s.output_length)",
    "calls": "countIf(s.cost_source != '')", "unpriced": "countIf(s.cost_source = 'unpriced')",
    "input_tokens": "sumIf(s.input_tokens, s.cost_source != '')",
    "cache_read_tokens": "sumIf(s.cache_read_tokens, s.cost_source != '')",
    "output_tokens": "sumIf(s.output_tokens, s.cost_source != '')",
    "cost_usd": "sumIf(s.cost_usd, s.cost_source != '')",
    "other_usd": "sumIf(s.cost_usd, s.cost_source = '')",
    "sources": "groupUniqArrayIf(toString(s.cost_source), s.cost_source NOT IN ('', 'unpriced'))",
}  # fmt: skip


def rows(ranges: Ranges, where: str = "1", wanted: Wanted = None, cut: int = 0) -> str:
    """The SELECT of `model_hours`."""
    told, _, key = halves("s.start_time", cut)
    keys = ("hour", "model", "provider", *key)
    (calls,) = needed(wanted, keys, {**_CALLS, **told})
    return f"""
        SELECT {calls}
        FROM spans AS s FINAL
        WHERE s.project = {{project:String}} AND {when("s.start_time", ranges)}
          AND {live("s.start_time", "s.retention_days")} AND {where}
        GROUP BY {", ".join(keys)}"""


MODEL_HOURS = Rolled("model_hours", "spans", "start_time", rows)
