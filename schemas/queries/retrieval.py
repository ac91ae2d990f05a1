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


# Documents with their texts as hashes and previews: what is counted reads each text once and keeps
# no whole one. Of a span that was sent twice one copy counts.
_DOCUMENTS = """(
            SELECT trace, start_time, position, told, origin, name, shown, relevance
            FROM (
                SELECT cityHash64(trace_id) AS trace, start_time, document_sources, document_ids,
                       document_scores, arrayMap(t -> cityHash64(t), documents) AS hashes,
                       arrayMap(t -> leftUTF8(t, 200), documents) AS previews
                FROM span_texts
                WHERE project = {{project:String}}
                  AND start_time >= fromUnixTimestamp64Nano({{{start}:Int64}})
                  AND start_time < fromUnixTimestamp64Nano({{end:Int64}}) AND notEmpty(documents)
                LIMIT 1 BY cityHash64(trace_id, span_id)
            ) ARRAY JOIN hashes AS told, previews AS shown, arrayEnumerate(hashes) AS position,
                arrayResize(document_ids, length(hashes)) AS name,
                arrayResize(document_scores, length(hashes), CAST(nan, 'Float32')) AS relevance,
                arrayResize(document_sources, length(hashes)) AS origin
        )"""
# Order of documents -> (what must hold, by what they are ordered).
ORDERS = {
    "most": ("1", "times DESC"),
    "least": ("1", "times"),
    "lowest": ("isFinite(mean_score) AND times >= 3", "mean_score"),
}


def document_use(
    store: Store, project: str, start_ns: int, end_ns: int, limit: int = 200, order: str = "most",
    source: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Documents retrieved in [start, end): source, id, text (its first 200 characters), times,
    traces, mean_score (NaN where none was given), mean_position (from 1), last_ns. `order`: the
    most or least often retrieved, or of those retrieved three times or more the lowest scores;
    `source`: of one source. Raises KeyError for another order."""
    holds, by = ORDERS[order]
    mine = "1" if source is None else "origin = {source:String}"
    return store.rows(
        f"""
        SELECT toString(any(origin)) AS source, any(name) AS id, any(shown) AS text,
               count() AS times, uniqExact(trace) AS traces,
               avgIf(relevance, isFinite(relevance)) AS mean_score, avg(position) AS mean_position,
               toUnixTimestamp64Nano(max(start_time)) AS last_ns
        FROM {_DOCUMENTS.format(start="start")} WHERE {mine}
        GROUP BY cityHash64(origin, name, told) HAVING {holds} ORDER BY {by}, source, id
        LIMIT {{limit:UInt32}}
        """,
        project=project, start=start_ns, end=end_ns, limit=limit, source=source or "",
    )  # fmt: skip


def no_longer_used(
    store: Store, project: str, since_ns: int, start_ns: int, end_ns: int, limit: int = 100
) -> list[dict[str, Any]]:
    """Documents that were retrieved in [since, start) and not in [start, end), those used most
    then first: source, id, text (its first 200 characters), times (then), last_ns. A document that
    was never retrieved is not known here."""
    return store.rows(
        f"""
        SELECT toString(any(origin)) AS source, any(name) AS id, any(shown) AS text,
               count() AS times, toUnixTimestamp64Nano(max(start_time)) AS last_ns
        FROM {_DOCUMENTS.format(start="since")} GROUP BY cityHash64(origin, name, told)
        HAVING max(start_time) < fromUnixTimestamp64Nano({{start:Int64}})
        ORDER BY times DESC, source, id LIMIT {{limit:UInt32}}
        """,
        project=project, since=since_ns, start=start_ns, end=end_ns, limit=limit,
    )  # fmt: skip


def source_use(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """Sources of documents: source, documents (distinct texts), times, traces, mean_score."""
    return store.rows(
        f"""
        SELECT toString(origin) AS source, uniqExact(told) AS documents, count() AS times,
               uniqExact(trace) AS traces, avgIf(relevance, isFinite(relevance)) AS mean_score
        FROM {_DOCUMENTS.format(start="start")} GROUP BY source ORDER BY times DESC, source
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip


def found_nothing(
    store: Store, project: str, start_ns: int, end_ns: int, limit: int = 100
) -> list[dict[str, Any]]:
    """Retrievals without a document, newest first: trace_id, start_ns, name, query."""
    return store.rows(
        f"""
        SELECT trace_id, toUnixTimestamp64Nano(start_time) AS start_ns, toString(name) AS name,
               input_preview AS query
        FROM spans WHERE {_RANGE} AND kind = 'RETRIEVER'
          AND cityHash64(trace_id, span_id) NOT IN (
            SELECT cityHash64(trace_id, span_id) FROM span_texts
            WHERE {_RANGE} AND notEmpty(documents))
        ORDER BY start_time DESC, trace_id LIMIT 1 BY trace_id, span_id LIMIT {{limit:UInt32}}
        """,
        project=project, start=start_ns, end=end_ns, limit=limit,
    )  # fmt: skip
