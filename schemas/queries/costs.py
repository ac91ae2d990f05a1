"""What calls of models cost, with what has no price kept apart."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store


def by_model(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """Models called in a time range, dearest first: model, provider, calls, unpriced (calls that
    used tokens and have no price, which `cost_usd` leaves out), input_tokens, cache_read_tokens,
    output_tokens, cost_usd, sources (what the prices rest on)."""
    return store.rows(
        """
        SELECT toString(s.model) AS model, toString(s.provider) AS provider, count() AS calls,
               countIf(s.cost_source = 'unpriced') AS unpriced,
               sum(s.input_tokens) AS input_tokens, sum(s.cache_read_tokens) AS cache_read_tokens,
               sum(s.output_tokens) AS output_tokens, sum(s.cost_usd) AS cost_usd,
               arraySort(groupUniqArrayIf(toString(s.cost_source),
                                          s.cost_source NOT IN ('', 'unpriced'))) AS sources
        FROM spans AS s FINAL
        WHERE project = {project:String} AND cost_source != ''
          AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})
        GROUP BY model, provider ORDER BY cost_usd DESC, calls DESC, model, provider
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
