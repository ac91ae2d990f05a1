"""Calls of models by the hour in which their span began."""

from __future__ import annotations

from schemas.hours.rolled import FOR_EVER, Ranges, Rolled, live, when


def rows(ranges: Ranges, where: str = "1") -> str:
    """The SELECT of `model_hours`."""
    return f"""
        SELECT toStartOfHour(s.start_time) AS hour, s.model AS model, s.provider AS provider,
               toDateTime(min(if(s.retention_days = 0, {FOR_EVER},
                   toUnixTimestamp(s.start_time) + s.retention_days * 86400)), 'UTC') AS until,
               count() AS spans, sum(toUInt64(s.input_length) + s.output_length) AS characters,
               countIf(s.cost_source != '') AS calls,
               countIf(s.cost_source = 'unpriced') AS unpriced,
               sumIf(s.input_tokens, s.cost_source != '') AS input_tokens,
               sumIf(s.cache_read_tokens, s.cost_source != '') AS cache_read_tokens,
               sumIf(s.output_tokens, s.cost_source != '') AS output_tokens,
               sumIf(s.cost_usd, s.cost_source != '') AS cost_usd,
               sumIf(s.cost_usd, s.cost_source = '') AS other_usd,
               groupUniqArrayIf(toString(s.cost_source), s.cost_source NOT IN ('', 'unpriced'))
                   AS sources
        FROM spans AS s FINAL
        WHERE s.project = {{project:String}} AND {when("s.start_time", ranges)}
          AND {live("s.start_time", "s.retention_days")} AND {where}
        GROUP BY hour, model, provider"""


MODEL_HOURS = Rolled("model_hours", "spans", "start_time", rows)
