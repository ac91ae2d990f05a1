"""Retrieved documents and tool calls of a project, as rows."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store

_RANGE = """project = {project:String}
          AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""


def list_documents(
    store: Store, project: str, start_ns: int, end_ns: int, source: str = "", limit: int = 1000
) -> list[dict[str, Any]]:
    """Newest first: trace_id, span_id, start_ns, position (from 1), text, id, score (NaN where the
    application gave none), source; of one source where it is given."""
    return store.rows(
        f"""
        SELECT trace_id, span_id, toUnixTimestamp64Nano(start_time) AS start_ns,
               toUInt32(position) AS position, text, id, score, toString(source) AS source
        FROM documents WHERE {_RANGE} AND ({{source:String}} = '' OR source = {{source:String}})
        ORDER BY start_time DESC, trace_id, span_id, position LIMIT {{limit:UInt32}}
        """,
        project=project,
        start=start_ns,
        end=end_ns,
        source=source,
        limit=limit,
    )


def list_tool_calls(
    store: Store, project: str, start_ns: int, end_ns: int, name: str = "", limit: int = 1000
) -> list[dict[str, Any]]:
    """Newest first: trace_id, span_id, start_ns, name, id, arguments, result. A call that a model
    asked for and the span that carried it out are one row where both name its id; the result may
    stand in a later message of the trace. Without an id nothing is matched."""
    return store.rows(
        f"""
        WITH asked AS (
            SELECT trace_id, id, name, start_time, span_id, arguments,
                   if(id = '', concat(span_id, toString(position)), id) AS one
            FROM tool_calls WHERE {_RANGE} AND ({{name:String}} = '' OR name = {{name:String}})
            ORDER BY start_time LIMIT 1 BY trace_id, one
        ), given AS (
            SELECT trace_id, if(id = '', concat(span_id, '1'), id) AS one,
                   argMin(result, start_time) AS result
            FROM tool_results WHERE {_RANGE} GROUP BY trace_id, one
        )
        SELECT asked.trace_id AS trace_id, asked.span_id AS span_id,
               toUnixTimestamp64Nano(asked.start_time) AS start_ns, toString(asked.name) AS name,
               asked.id AS id, asked.arguments AS arguments, given.result AS result
        FROM asked LEFT JOIN given ON asked.trace_id = given.trace_id AND asked.one = given.one
        ORDER BY asked.start_time DESC, trace_id, span_id, id LIMIT {{limit:UInt32}}
        """,
        project=project,
        start=start_ns,
        end=end_ns,
        name=name,
        limit=limit,
    )
