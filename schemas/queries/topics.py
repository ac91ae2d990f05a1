"""Inputs with their embeddings, of which topics are made."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store

_EMBEDDED = """project = {project:String} AND field = 'input'
                AND span_start >= fromUnixTimestamp64Nano({start:Int64})
                AND span_start < fromUnixTimestamp64Nano({end:Int64})"""


def extent(store: Store, project: str, start_ns: int, end_ns: int) -> tuple[int, int, int]:
    """(traces with an embedded input in [start, end), first, last in ns); zeros without any."""
    rows = store.rows(
        f"""
        SELECT uniq(trace_id) AS traces, toUnixTimestamp64Nano(min(span_start)) AS first,
               toUnixTimestamp64Nano(max(span_start)) AS last
        FROM embeddings WHERE {_EMBEDDED}
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    found = rows[0]
    return (found["traces"], found["first"], found["last"]) if found["traces"] else (0, 0, 0)


def inputs(
    store: Store, project: str, start_ns: int, end_ns: int, most: int = 20_000, one_in: int = 1
) -> list[dict[str, Any]]:
    """The newest `most` embedded inputs in [start, end): trace_id, session (the trace's id without
    one), text (its first 200 characters), vector. Of many, only one trace in `one_in`, drawn by
    the hash of its id."""
    return store.rows(
        f"""
        WITH chosen AS (
            SELECT trace_id, any(vector) AS vector, min(span_start) AS at
            FROM embeddings FINAL
            WHERE {_EMBEDDED} AND cityHash64(trace_id) % {{one_in:UInt32}} = 0
            GROUP BY trace_id ORDER BY at DESC, trace_id LIMIT {{most:UInt32}})
        SELECT c.trace_id AS trace_id, if(s.session = '', c.trace_id, s.session) AS session,
               s.text AS text, c.vector AS vector, c.at AS at
        FROM chosen AS c INNER JOIN (
            SELECT trace_id, any(session_id) AS session,
                   argMinIf(input_preview, (parent_span_id != '', start_time), input_length > 0)
                       AS text
            FROM spans
            WHERE project = {{project:String}} AND trace_id IN (SELECT trace_id FROM chosen)
            GROUP BY trace_id) AS s ON s.trace_id = c.trace_id
        ORDER BY at DESC, trace_id
        """,
        project=project, start=start_ns, end=end_ns, most=most, one_in=one_in,
    )  # fmt: skip
