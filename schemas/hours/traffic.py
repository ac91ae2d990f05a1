"""Traffic by the hour: counts, cost, latency as a histogram, and the sums of each session.

A trace belongs to the hour in which its first span began, with all its spans of an hour on.
"""

from __future__ import annotations

from schemas.hours.rolled import FOR_EVER, HOUR, Ranges, Rolled, live, when
from schemas.queries.streams import MS, TRAFFIC

# Durations are counted by bins whose bounds are 1% apart, so a quantile is read to within 0.5%
# (Masson et al. 2019, DDSketch); histograms add up exactly.
GAMMA = 1.01
SIGNALS = tuple(TRAFFIC)
UNIT = {"cost": "price"}  # signal -> what its column of sums is called, where it is not as it is


def column(signal: str) -> str:
    """The column with the sums by session of a signal of TRAFFIC."""
    return f"unit_{UNIT.get(signal, signal)}"


def rows(ranges: Ranges, where: str = "1") -> str:
    """The SELECT of `traffic_hours`. Of a trace's sessions the last by name counts."""
    values = ", ".join(
        f"{sql.replace('max(trace_ms)', MS)} AS v_{name}" for name, sql in TRAFFIC.items()
    )
    sums = ", ".join(f"sumIf(v_{name}, isFinite(v_{name})) AS x_{name}" for name in SIGNALS)
    arrays = ", ".join(f"groupArrayIf(x_{name}, NOT alone) AS {column(name)}" for name in SIGNALS)
    squares = ", ".join(f"sumIf(x_{name} * x_{name}, alone)" for name in SIGNALS)
    totals = ", ".join(f"sumIf(x_{name}, alone)" for name in SIGNALS)
    numbers = ", ".join(
        f"sumIf({'firsts' if name == 'first_token' else 'n'}, alone)" for name in SIGNALS
    )
    return f"""
        SELECT hour, toDateTime(min(ends), 'UTC') AS until, sum(n) AS traces, sum(bad) AS failed,
               sum(starts) AS roots, sum(worth) AS kept, sum(usd) AS cost, sum(used) AS tokens,
               sumMap(found, arrayWithConstant(length(found), toUInt64(1))) AS histogram,
               histogram.1 AS bins, histogram.2 AS counts,
               countIf(alone) AS lone, sumIf(usd, alone) AS lone_cost,
               sumIf(usd * usd, alone) AS lone_cost2, [{numbers}] AS lone_n,
               [{totals}] AS lone_sum, [{squares}] AS lone_square,
               groupArrayIf(unit, NOT alone) AS units,
               groupArrayIf(toUInt32(n), NOT alone) AS unit_traces,
               groupArrayIf(usd, NOT alone) AS unit_cost,
               groupArrayIf(toUInt32(firsts), NOT alone) AS unit_firsts, {arrays}
        FROM (
            SELECT hour, unit, alone, count() AS n, sum(bad1) AS bad, sum(starts1) AS starts,
                   sum(worth1) AS worth, sum(usd1) AS usd, sum(used1) AS used, min(ends1) AS ends,
                   groupArrayArray(found1) AS found, countIf(isFinite(v_first_token)) AS firsts,
                   {sums}
            FROM (
                SELECT toStartOfHour(min(s.start_time)) AS hour, max(s.session_id) = '' AS alone,
                       if(alone, cityHash64(s.trace_id), cityHash64(max(s.session_id))) AS unit,
                       max(s.status = 'ERROR') AS bad1, countIf(s.parent_span_id = '') AS starts1,
                       1 / argMin(s.sampling_probability, (s.parent_span_id != '', s.start_time))
                           AS worth1,
                       sum(s.cost_usd) AS usd1, sum(s.input_tokens) + sum(s.output_tokens) AS used1,
                       min(if(s.retention_days = 0, {FOR_EVER},
                              toUnixTimestamp(s.start_time) + s.retention_days * 86400)) AS ends1,
                       groupArrayIf(toUInt16(log(greatest(s.duration_ns, 1)) / log({GAMMA})),
                                    s.parent_span_id = '') AS found1,
                       {values}
                FROM spans AS s FINAL
                WHERE s.project = {{project:String}} AND {when("s.start_time", ranges, HOUR)}
                  AND {live("s.start_time", "s.retention_days")} AND {where}
                GROUP BY s.trace_id HAVING {when("min(s.start_time)", ranges)}
            ) GROUP BY hour, unit, alone
        ) GROUP BY hour"""


TRAFFIC_HOURS = Rolled("traffic_hours", "spans", "start_time", rows)
