"""Inputs with their embeddings, of which topics are made."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store


def inputs(
    store: Store, project: str, start_ns: int, end_ns: int, most: int = 20_000
) -> list[dict[str, Any]]:
    """The newest `most` embedded inputs in [start, end): trace_id, session (the trace's id without
    one), text (its first 200 characters), vector."""
    return store.rows(
        """
        SELECT e.trace_id AS trace_id,
               if(any(s.session_id) = '', e.trace_id, any(s.session_id)) AS session,
               argMinIf(s.input_preview, (s.parent_span_id != '', s.start_time),
                        s.input_length > 0) AS text,
               any(e.vector) AS vector, min(e.span_start) AS at
        FROM embeddings AS e FINAL INNER JOIN spans AS s
            ON s.project = e.project AND s.trace_id = e.trace_id
        WHERE e.project = {project:String} AND e.field = 'input'
          AND e.span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND e.span_start < fromUnixTimestamp64Nano({end:Int64})
        GROUP BY e.trace_id ORDER BY at DESC, e.trace_id LIMIT {most:UInt32}
        """,
        project=project, start=start_ns, end=end_ns, most=most,
    )  # fmt: skip
