"""A sample of embeddings for a map: the same traces whenever it is asked for."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store


def embedding_sample(
    store: Store, project: str, field: str, start_ns: int, end_ns: int, limit: int = 1500
) -> tuple[int, list[dict[str, Any]]]:
    """(traces with an embedding of `field` (input or output) in [start, end), at most `limit` of
    them drawn by the hash of their id: trace_id, time_ns, vector), of the model that made most."""
    named = {"project": project, "field": field, "start": start_ns, "end": end_ns}
    inside = """project = {project:String} AND field = {field:String}
          AND span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND span_start < fromUnixTimestamp64Nano({end:Int64})"""
    models = store.rows(
        f"""
        SELECT toString(model) AS model, uniqExact(trace_id) AS n FROM embeddings WHERE {inside}
        GROUP BY model ORDER BY n DESC, model LIMIT 1
        """,
        **named,
    )
    if not models:
        return 0, []
    rows = store.rows(
        f"""
        SELECT trace_id, toUnixTimestamp64Nano(span_start) AS time_ns, vector FROM embeddings
        WHERE {inside} AND model = {{model:String}} AND trace_id IN (
            SELECT DISTINCT trace_id FROM embeddings WHERE {inside} AND model = {{model:String}}
            ORDER BY cityHash64(trace_id) LIMIT {{limit:UInt32}})
        ORDER BY created_at DESC LIMIT 1 BY trace_id
        """,
        model=models[0]["model"], limit=limit, **named,
    )  # fmt: skip
    return int(models[0]["n"]), rows
