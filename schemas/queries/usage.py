"""What a project sent and what its model calls cost, by day."""

from __future__ import annotations

import time
from typing import Any

from schemas.clickhouse import Store
from schemas.hours import rolled
from schemas.hours.models import MODEL_HOURS

DAY = 86_400 * 10**9


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
    now = time.time_ns()
    of = rolled.source(
        store, project, MODEL_HOURS, now - days * DAY, now + DAY,
        "toDate(hour) AS at, calls, unpriced, characters, input_tokens, output_tokens,"
        " cost_usd + other_usd AS usd",
    )  # fmt: skip
    return store.rows(
        f"""
        SELECT toString(at) AS day, sum(c.calls) AS calls, sum(c.characters) AS characters,
               sum(c.input_tokens) AS input_tokens, sum(c.output_tokens) AS output_tokens,
               sum(usd) AS cost_usd, sum(c.unpriced) AS unpriced
        FROM {of.sql} AS c GROUP BY at HAVING characters > 0 OR calls > 0 ORDER BY day DESC
        """,
        project=project, **of.named,
    )  # fmt: skip
