"""Is what came in stored, and is what is stored judged? And how sure latency and cost are."""

from __future__ import annotations

from math import sqrt
from typing import Any

from schemas.clickhouse import Store
from schemas.estimates.shares import Z

_WINDOW = """start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""


def newest_versions(store: Store, project: str) -> list[dict[str, Any]]:
    """Of each evaluator the version that judged last: evaluator, version, scored_ms (when it judged
    last), reached_ns (the newest start of what it has judged)."""
    return store.rows(
        """
        SELECT toString(evaluator) AS evaluator, argMax(toString(one), scored) AS version,
               toUnixTimestamp64Milli(max(scored)) AS scored_ms,
               toUnixTimestamp64Nano(max(reached)) AS reached_ns
        FROM (
            SELECT evaluator, evaluator_version AS one, max(scored_at) AS scored,
                   max(span_start) AS reached
            FROM scores WHERE project = {project:String} GROUP BY evaluator, one
        ) GROUP BY evaluator ORDER BY evaluator
        """,
        project=project,
    )


def ingest(store: Store, project: str) -> dict[str, Any]:
    """By the ledger: stored_ms (the last INSERT of traces), hour and day (items of all signals that
    were stored in the last hour and 24 hours, re-sends counted), refused (in 24 hours)."""
    (row,) = store.rows(
        """
        SELECT toUnixTimestamp64Milli(maxIf(stored_at, signal = 'traces')) AS stored_ms,
               sumIf(spans, stored_at > now64(3) - INTERVAL 1 HOUR) AS hour,
               sumIf(spans, stored_at > now64(3) - INTERVAL 24 HOUR) AS day
        FROM segments FINAL WHERE project = {project:String}
        """,
        project=project,
    )
    (bad,) = store.rows(
        """
        SELECT sum(count) AS refused FROM rejections
        WHERE project = {project:String} AND last_at > now64(3) - INTERVAL 24 HOUR
        """,
        project=project,
    )
    return {**row, "refused": int(bad["refused"])}


def latency_interval(
    store: Store, project: str, start_ns: int, end_ns: int, share: float
) -> tuple[float, float, float, int]:
    """(quantile, low, high, n) of root spans' seconds: a 95% interval by order statistics, which
    assumes no distribution (Hahn and Meeker 1991, section 5.2); NaN without one."""
    (row,) = store.rows(
        f"""
        SELECT arraySort(groupArray(duration_ns)) AS d, count() AS n FROM (
            SELECT duration_ns FROM spans
            WHERE project = {{project:String}} AND parent_span_id = '' AND {_WINDOW}
            ORDER BY cityHash64(trace_id) LIMIT 20000
        )
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    durations, n = row["d"], int(row["n"])
    if not n:
        return float("nan"), float("nan"), float("nan"), 0
    half = Z * sqrt(n * share * (1 - share))
    at = [min(n - 1, max(0, round(n * share + by))) for by in (0, -half, half)]
    value, low, high = (durations[place] / 1e9 for place in at)
    return value, low, high, n


def cost_interval(
    store: Store, project: str, start_ns: int, end_ns: int
) -> tuple[float, float, int, float]:
    """(mean USD of a trace, half-width of its 95% interval, traces, sum) of traces that began in
    the range; sessions are the units of the interval."""
    (row,) = store.rows(
        f"""
        SELECT count() AS units, sum(n) AS traces, sum(cost) AS total,
               sum(cost * cost) AS cc, sum(cost * n) AS cn, sum(n * n) AS nn
        FROM (
            SELECT if(session_id = '', trace_id, session_id) AS unit,
                   toFloat64(uniqExact(trace_id)) AS n, sum(cost_usd) AS cost
            FROM spans FINAL WHERE project = {{project:String}} AND {_WINDOW} GROUP BY unit
        )
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    traces, units = float(row["traces"]), int(row["units"])
    if not traces:
        return float("nan"), float("nan"), 0, 0.0
    mean = row["total"] / traces
    # The ratio of two sums over units, by the delta method.
    spread = max(0.0, row["cc"] - 2 * mean * row["cn"] + mean * mean * row["nn"])
    half = Z * sqrt(spread * units / max(1, units - 1)) / traces if units > 1 else float("nan")
    return mean, half, int(traces), float(row["total"])
