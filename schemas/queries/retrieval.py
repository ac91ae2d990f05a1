"""Retrieved documents and tool calls of a project, as rows."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store

BUCKET = 5 * 60 * 10**9  # of the tables' primary key
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


# What is kept of documents as hashes (0036): what is counted reads no text, and a query only those
# columns that it names. Of a span that was sent twice one copy counts.
_DOCUMENTS = """(
            SELECT document_trace AS trace, toUnixTimestamp64Nano(start_time) AS at, document_keys,
                   document_texts, document_scores, document_sources
            FROM span_texts
            WHERE project = {project:String}
              AND start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND start_time < fromUnixTimestamp64Nano({end:Int64}) AND document_span != 0{only}
            LIMIT 1 BY document_span
        ) ARRAY JOIN document_keys AS key, document_texts AS told,
            arrayEnumerate(document_keys) AS position,
            arrayResize(document_scores, length(document_keys), CAST(nan, 'Float32')) AS relevance,
            arrayResize(document_sources, length(document_keys)) AS origin"""
_ALL = _DOCUMENTS.replace("{only}", "")
_SOME = _DOCUMENTS.replace(
    "{only}", " AND arrayExists(k -> k IN {keys:Array(UInt64)}, document_keys)"
)
# One copy of each span is taken in one stream: to spread what follows costs a third more.
_ALONE = "SETTINGS max_threads = 1"
# Order of documents -> (what must hold, by what they are ordered, and which way).
ORDERS = {
    "most": ("1", "count()", "DESC"),
    "least": ("1", "count()", "ASC"),
    "lowest": (
        "isFinite(place) AND times >= 3", "avgIf(relevance, isFinite(relevance))", "ASC"
    ),
}  # fmt: skip


def document_use(
    store: Store, project: str, start_ns: int, end_ns: int, limit: int = 200, order: str = "most",
    source: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Documents retrieved in [start, end): source, id, text (its first 200 characters), times,
    traces, mean_score (NaN where none was given), mean_position (from 1), last_ns. `order`: the
    most or least often retrieved, or of those retrieved three times or more the lowest scores,
    and of equals those retrieved last; `source`: of one source. Raises KeyError for another
    order."""
    holds, by, way = ORDERS[order]
    mine = "1" if source is None else "origin = {source:String}"
    named = {"project": project, "start": start_ns, "end": end_ns}
    found = store.rows(
        f"""
        SELECT key, {by} AS place, count() AS times, max(at) AS last_ns
        FROM {_ALL} WHERE {mine} GROUP BY key HAVING {holds}
        ORDER BY place {way}, last_ns DESC, key LIMIT {{limit:UInt32}} {_ALONE}
        """,
        limit=limit, source=source or "", **named,
    )  # fmt: skip
    if not found:
        return []
    more = store.rows(
        f"""
        SELECT key, uniqExact(trace) AS traces, avg(position) AS mean_position,
               avgIf(relevance, isFinite(relevance)) AS mean_score
        FROM {_SOME} WHERE key IN {{keys:Array(UInt64)}} GROUP BY key
        """,
        keys=[row["key"] for row in found], **named,
    )  # fmt: skip
    rest = {row["key"]: row for row in more}
    rows = [row | rest[row["key"]] for row in found if row["key"] in rest]
    sign = 1 if way == "ASC" else -1
    return _named(store, project, [(sign * row.pop("place"), row) for row in rows])


def no_longer_used(
    store: Store, project: str, since_ns: int, start_ns: int, end_ns: int, limit: int = 100
) -> list[dict[str, Any]]:
    """Documents that were retrieved in [since, start) and not in [start, end), those used most
    then first and of equals those used last: source, id, text (its first 200 characters), times
    (then), last_ns. A document that was never retrieved is not known here."""
    rows = store.rows(
        f"""
        SELECT key, count() AS times, max(at) AS last_ns
        FROM {_ALL} GROUP BY key HAVING last_ns < {{until:Int64}}
        ORDER BY times DESC, last_ns DESC, key LIMIT {{limit:UInt32}} {_ALONE}
        """,
        project=project, start=since_ns, until=start_ns, end=end_ns, limit=limit,
    )  # fmt: skip
    return _named(store, project, [(-row["times"], row) for row in rows])


def _named(
    store: Store, project: str, ranked: list[tuple[float, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Rows, each beside what they are ordered by, with source, id and text instead of their key.
    These are read where a document was retrieved last, which the newest of equals share."""
    if not ranked:
        return []
    times = {row["last_ns"] for _, row in ranked}
    found = store.rows(
        """
        SELECT key, toString(any(origin)) AS source, any(name) AS id, any(shown) AS text
        FROM (
            SELECT document_keys, document_sources, document_ids,
                   arrayMap(t -> leftUTF8(t, 200), documents) AS previews
            FROM span_texts
            PREWHERE project = {project:String}
              AND toStartOfFiveMinutes(start_time) IN {buckets:Array(DateTime('UTC'))}
              AND toUnixTimestamp64Nano(start_time) IN {times:Array(Int64)}
              AND document_span != 0
        ) ARRAY JOIN document_keys AS key, previews AS shown,
            arrayResize(document_ids, length(document_keys)) AS name,
            arrayResize(document_sources, length(document_keys)) AS origin
        WHERE key IN {keys:Array(UInt64)} GROUP BY key
        """,
        project=project, times=sorted(times), keys=[row["key"] for _, row in ranked],
        buckets=sorted({at // BUCKET * (BUCKET // 10**9) for at in times}),
    )  # fmt: skip
    told = {row.pop("key"): row for row in found}
    full = [(by, told[row.pop("key")] | row) for by, row in ranked if row["key"] in told]
    full.sort(key=lambda one: (one[0], -one[1]["last_ns"], one[1]["source"], one[1]["id"]))
    return [row for _, row in full]


def source_use(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """Sources of documents: source, documents (distinct texts), times, traces, mean_score."""
    return store.rows(
        f"""
        SELECT toString(origin) AS source, uniqExact(told) AS documents, count() AS times,
               uniqExact(trace) AS traces, avgIf(relevance, isFinite(relevance)) AS mean_score
        FROM {_ALL} GROUP BY origin ORDER BY times DESC, source {_ALONE}
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
            SELECT document_span FROM span_texts WHERE {_RANGE} AND document_span != 0)
        ORDER BY start_time DESC, trace_id LIMIT 1 BY trace_id, span_id LIMIT {{limit:UInt32}}
        """,
        project=project, start=start_ns, end=end_ns, limit=limit,
    )  # fmt: skip
