"""What a project sent and what its model calls cost, by day."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store


def received(store: Store, project: str, days: int) -> list[dict[str, Any]]:
    """Items that were stored in the last `days` days, newest first: day, spans, logs, metrics (data
    points); what was sent twice counts twice."""
    return store.rows(
        """
        SELECT toString(toDate(stored_at)) AS day, sumIf(n, signal = 'traces') AS spans,
               sumIf(n, signal = 'logs') AS logs, sumIf(n, signal = 'metrics') AS metrics
        FROM (
            SELECT signal, spans AS n, stored_at FROM segments FINAL
            WHERE project = {project:String} AND stored_at >= now() - toIntervalDay({days:UInt32})
        )
        GROUP BY day ORDER BY day DESC
        """,
        project=project, days=days,
    )  # fmt: skip


def used(store: Store, project: str, days: int) -> list[dict[str, Any]]:
    """Model use by the day that spans began, newest first: day, calls, characters (of inputs and
    outputs of all spans), input_tokens, output_tokens, cost_usd, unpriced (calls without one)."""
    return store.rows(
        """
        SELECT toString(toDate(s.start_time)) AS day, countIf(s.cost_source != '') AS calls,
               sum(s.input_length + s.output_length) AS characters,
               sumIf(s.input_tokens, s.cost_source != '') AS input_tokens,
               sumIf(s.output_tokens, s.cost_source != '') AS output_tokens,
               sum(s.cost_usd) AS cost_usd, countIf(s.cost_source = 'unpriced') AS unpriced
        FROM spans AS s FINAL
        WHERE project = {project:String} AND start_time >= now() - toIntervalDay({days:UInt32})
        GROUP BY day ORDER BY day DESC
        """,
        project=project, days=days,
    )  # fmt: skip
