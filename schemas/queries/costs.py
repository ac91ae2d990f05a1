"""What calls of models cost, with what has no price kept apart."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.hours import rolled
from schemas.hours.models import MODEL_HOURS


def by_model(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """Models called in a time range, dearest first: model, provider, calls, unpriced (calls that
    used tokens and have no price, which `cost_usd` leaves out), input_tokens, cache_read_tokens,
    output_tokens, cost_usd, sources (what the prices rest on)."""
    of = rolled.source(
        store, project, MODEL_HOURS, start_ns, end_ns,
        "toString(model) AS m, toString(provider) AS p, calls, unpriced, input_tokens,"
        " cache_read_tokens, output_tokens, cost_usd, sources",
    )  # fmt: skip
    return store.rows(
        f"""
        SELECT m AS model, p AS provider, sum(c.calls) AS calls, sum(c.unpriced) AS unpriced,
               sum(c.input_tokens) AS input_tokens, sum(c.cache_read_tokens) AS cache_read_tokens,
               sum(c.output_tokens) AS output_tokens, sum(c.cost_usd) AS cost_usd,
               arraySort(groupUniqArrayArray(c.sources)) AS sources
        FROM {of.sql} AS c GROUP BY m, p HAVING calls > 0
        ORDER BY cost_usd DESC, calls DESC, model, provider
        """,
        project=project, **of.named,
    )  # fmt: skip
