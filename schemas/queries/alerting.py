"""What alert rules ask: one number of a project's traffic in a window, and traces that show it."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store

_WINDOW = """start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""
_SCORED = """span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND span_start < fromUnixTimestamp64Nano({end:Int64})"""


def traffic(store: Store, project: str, start_ns: int, end_ns: int) -> dict[str, Any]:
    """Of traces that began in [start, end): traces, errors (traces with a failed span), roots,
    latency_p50, latency_p95, latency_p99 (of root spans, seconds; NaN without one), cost (USD),
    tokens."""
    (row,) = store.rows(
        f"""
        SELECT uniqExact(trace_id) AS traces, uniqExactIf(trace_id, status = 'ERROR') AS errors,
               countIf(parent_span_id = '') AS roots,
               quantileExactIf(0.5)(duration_ns, parent_span_id = '') / 1e9 AS latency_p50,
               quantileExactIf(0.95)(duration_ns, parent_span_id = '') / 1e9 AS latency_p95,
               quantileExactIf(0.99)(duration_ns, parent_span_id = '') / 1e9 AS latency_p99,
               sum(cost_usd) AS cost, sum(input_tokens) + sum(output_tokens) AS tokens
        FROM spans FINAL WHERE project = {{project:String}} AND {_WINDOW}
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    return row


def cost_per_user(store: Store, project: str, start_ns: int, end_ns: int) -> tuple[str, float]:
    """(user, USD) of the user who cost most in [start, end); ("", 0) where no span names one."""
    rows = store.rows(
        f"""
        SELECT user_id, sum(cost_usd) AS cost FROM spans FINAL
        WHERE project = {{project:String}} AND user_id != '' AND {_WINDOW}
        GROUP BY user_id ORDER BY cost DESC, user_id LIMIT 1
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    return (str(rows[0]["user_id"]), float(rows[0]["cost"])) if rows else ("", 0.0)


def judged(store: Store, project: str, evaluator: str, start_ns: int, end_ns: int
           ) -> dict[str, Any]:  # fmt: skip
    """Of what an evaluator's newest version judged in [start, end): scored, errors, mean (of
    scored values, each weighted by 1 / probability; NaN without one)."""
    (row,) = store.rows(
        f"""
        WITH (
            SELECT argMax(toString(evaluator_version), scored_at) FROM scores
            WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
        ) AS newest
        SELECT countIf(status = 'scored') AS scored, countIf(status = 'error') AS errors,
               sumIf(value / probability, status = 'scored')
                   / sumIf(1 / probability, status = 'scored') AS mean
        FROM scores FINAL
        WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
          AND evaluator_version = newest AND probability > 0 AND {_SCORED}
        """,
        project=project, evaluator=evaluator, start=start_ns, end=end_ns,
    )  # fmt: skip
    return row


_ORDER = {
    "error_rate": ("status = 'ERROR'", "max(start_time)"),
    "latency_p50": ("parent_span_id = ''", "max(duration_ns)"),
    "latency_p95": ("parent_span_id = ''", "max(duration_ns)"),
    "latency_p99": ("parent_span_id = ''", "max(duration_ns)"),
    "cost": ("cost_usd > 0", "sum(cost_usd)"),
    "cost_per_user": ("cost_usd > 0", "sum(cost_usd)"),
    "tokens": ("1", "sum(input_tokens) + sum(output_tokens)"),
}


def examples(store: Store, project: str, metric: str, start_ns: int, end_ns: int) -> list[str]:
    """Up to three traces in [start, end) that show a metric at its worst: the slowest, the
    dearest, the last that failed, the lowest scores."""
    kind, _, evaluator = metric.partition(":")
    named = {"project": project, "start": start_ns, "end": end_ns}
    if evaluator:
        status = "scored" if kind == "score" else "error"
        rows = store.rows(
            f"""
            SELECT trace_id FROM scores FINAL
            WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
              AND status = {{status:String}} AND {_SCORED}
            ORDER BY value, span_start DESC, trace_id LIMIT 3
            """,
            evaluator=evaluator, status=status, **named,
        )  # fmt: skip
    elif kind in _ORDER:
        which, order = _ORDER[kind]
        rows = store.rows(
            f"""
            SELECT trace_id FROM spans FINAL
            WHERE project = {{project:String}} AND {_WINDOW} AND {which}
            GROUP BY trace_id ORDER BY {order} DESC, trace_id LIMIT 3
            """,
            **named,
        )
    else:
        rows = []
    return [str(row["trace_id"]) for row in rows]
