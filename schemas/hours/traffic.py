"""Traffic by the hour: counts, cost, latency as a histogram, and sums by groups of sessions.

A trace belongs to the hour in which its first span began, with all its spans of an hour on.
"""

from __future__ import annotations

from schemas.hours.groups import JOINED, STATE, dense, group
from schemas.hours.layers import halves, needed
from schemas.hours.rolled import FOR_EVER, HOUR, Ranges, Rolled, Wanted, live, when
from schemas.queries.streams import MS, TRAFFIC

# Durations are counted by bins whose bounds are 1% apart, so a quantile is read to within 0.5%
# (Masson et al. 2019, DDSketch); histograms add up exactly.
GAMMA = 1.01
SIGNALS = tuple(TRAFFIC)
UNIT = {"cost": "price"}  # signal -> what its column of sums is called, where it is not as it is


def column(signal: str) -> str:
    """The column with the sums by group of a signal of TRAFFIC."""
    return f"group_{UNIT.get(signal, signal)}"


_HOURS = {
    "hour": "hour", "until": "toDateTime(min(ends), 'UTC')", "traces": "sum(n)",
    "failed": "sum(bad)", "roots": "sum(starts)", "kept": "sum(worth)", "cost": "sum(usd)",
    "tokens": "sum(used)",
    "histogram": "sumMap(found, arrayWithConstant(length(found), toUInt64(1)))",
    "bins": "histogram.1", "counts": "histogram.2", "sessions": f"{JOINED}(crowd)",
    "group_traces": dense("n"), "group_cost": dense("usd"), "group_firsts": dense("firsts"),
    **{column(name): dense(f"x_{name}") for name in SIGNALS},
}  # fmt: skip
_GROUPS = {
    "hour": "hour", "g": group("unit"), "n": "count()", "bad": "sum(bad1)",
    "starts": "sum(starts1)", "worth": "sum(worth1)", "usd": "sum(usd1)", "used": "sum(used1)",
    "ends": "min(ends1)", "found": "groupArrayArray(found1)", "crowd": f"{STATE}(unit)",
    "firsts": "countIf(isFinite(v_first_token))",
    **{f"x_{name}": f"sumIf(v_{name}, isFinite(v_{name}))" for name in SIGNALS},
}  # fmt: skip
# Of a trace's sessions the last by name counts.
_TRACES = {
    "hour": "toStartOfHour(min(s.start_time))",
    "unit": "cityHash64(if(max(s.session_id) = '', s.trace_id, max(s.session_id)))",
    "bad1": "max(s.status = 'ERROR')", "starts1": "countIf(s.parent_span_id = '')",
    "worth1": "1 / argMin(s.sampling_probability, (s.parent_span_id != '', s.start_time))",
    "usd1": "sum(s.cost_usd)", "used1": "sum(s.input_tokens) + sum(s.output_tokens)",
    "ends1": f"min(if(s.retention_days = 0, {FOR_EVER},"
             " toUnixTimestamp(s.start_time) + s.retention_days * 86400))",
    "found1": f"groupArrayIf(toUInt16(log(greatest(s.duration_ns, 1)) / log({GAMMA})),"
              " s.parent_span_id = '')",
    **{f"v_{name}": sql.replace("max(trace_ms)", MS) for name, sql in TRAFFIC.items()},
}  # fmt: skip
_KEYS = ("hour", "g")


def rows(ranges: Ranges, where: str = "1", wanted: Wanted = None, cut: int = 0) -> str:
    """The SELECT of `traffic_hours`."""
    told, late, key = halves("min(s.start_time)", cut)
    keys = (*_KEYS, *key)
    hours, groups, traces = needed(
        wanted, keys, {**_HOURS, **late}, {**_GROUPS, **late}, {**_TRACES, **told}
    )
    return f"""
        SELECT {hours} FROM (
            SELECT {groups} FROM (
                SELECT {traces}
                FROM spans AS s FINAL
                WHERE s.project = {{project:String}} AND {when("s.start_time", ranges, HOUR)}
                  AND {live("s.start_time", "s.retention_days")} AND {where}
                GROUP BY s.trace_id HAVING {when("min(s.start_time)", ranges)}
            ) GROUP BY {", ".join(keys)}
        ) GROUP BY {", ".join(("hour", *key))}"""


TRAFFIC_HOURS = Rolled("traffic_hours", "spans", "start_time", rows)
