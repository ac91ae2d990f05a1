"""Lists of traces: the newest of a time range, by words and by columns, without reading it all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.clickhouse import Store

# Columns that monitors and pages may segment by, as trace-level aggregates over `spans`.
SEGMENT_COLUMNS = (
    "model",
    "prompt_version",
    "service_version",
    "environment",
    "document_source",
    "service",
)
SEGMENT_SQL = ", ".join(
    f"anyIf(toString({name}), {name} != '') AS segment_{name}" for name in SEGMENT_COLUMNS
)
FILTERS = (*SEGMENT_COLUMNS, "status", "session_id", "user_id", "kind", "name", "prompt_name",
           "error_type")  # fmt: skip
MINUTE = 60 * 10**9
BUCKETS = 3000  # of five minutes, that a list names one by one
# How far before `end` a list looks, until its page is full.
WINDOWS = (5 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE, 7 * 24 * 60 * MINUTE)

# The expression of the text index `words` (0008), to the letter: another is not looked up in it.
_WORDS = "lowerUTF8(concat(input, '\\n', output, '\\n', arrayStringConcat(documents, '\\n')))"
_ID = re.compile("[0-9a-fA-F]{32}")
_RANGE = """project = {project:String}
          AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""


def list_traces(
    store: Store,
    project: str,
    start_ns: int,
    end_ns: int,
    limit: int = 100,
    search: str = "",
    where: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Newest traces of a time range: trace_id, start_ns, duration_ms, name, input, output, spans,
    errors, input_tokens, output_tokens, cost_usd, and a segment_* column per segment column.

    The newest are those whose latest span (latest matching span) is newest: that can be told from
    the end of the range alone, so a window that ends at `end_ns` widens until the page is full.
    `search`: every word of it stands in the texts of one span (input, output and documents, in
    full, in any case), or it is part of a span's name, or the trace's id. `where`: for each
    column of FILTERS the value that some span of the trace has. Raises ValueError on others.
    """
    wanted = dict(where or {})
    if unknown := set(wanted) - set(FILTERS):
        raise ValueError(f"traces cannot be filtered by {', '.join(sorted(unknown))}")
    if _ID.fullmatch(search):
        return _listed(store, project, start_ns, end_ns, {search.lower(): 0})
    found: dict[str, int] = {}
    for begin in [*(end_ns - w for w in WINDOWS if end_ns - w > start_ns), start_ns]:
        found = _latest(store, project, begin, end_ns, limit, search, wanted)
        if len(found) == limit:
            break
    return _listed(store, project, start_ns, end_ns, found)


def trace_times(store: Store, project: str, traces: Sequence[str]) -> dict[str, tuple[int, int]]:
    """(first, last) span start in ns by trace id. An INSERT fills one table after the other, so
    for a moment a span can be in `spans` while its trace is not here, or not with that span."""
    rows = store.rows(
        """
        SELECT trace_id, toUnixTimestamp64Nano(min(first)) AS a,
               toUnixTimestamp64Nano(max(last)) AS b
        FROM trace_times
        WHERE project = {project:String} AND trace_id IN {traces:Array(String)} GROUP BY trace_id
        """,
        project=project,
        traces=list(traces),
    )
    return {row["trace_id"]: (int(row["a"]), int(row["b"])) for row in rows}


def _latest(
    store: Store, project: str, start: int, end: int, limit: int, search: str,
    where: Mapping[str, str],
) -> dict[str, int]:  # fmt: skip
    """Ids of the traces whose latest matching span in the range is newest, with its start."""
    either = " OR ".join(f"{name} = {{value_{name}:String}}" for name in where) or "1"
    every = " AND ".join(f"countIf({name} = {{value_{name}:String}}) > 0" for name in where) or "1"
    filtered = f"FROM spans WHERE {_RANGE} AND ({either}) GROUP BY trace_id HAVING {every}"
    # The index splits words of other alphabets into letters, so those are looked at as they stand.
    words = [word for word in re.findall(r"\w+", search) if not word.isascii()]
    if search:
        also = f"WHERE trace_id IN (SELECT trace_id {filtered})" if where else ""
        source = f"""
            FROM (
                SELECT trace_id, start_time FROM span_texts WHERE {_RANGE} AND ({_holds(words)})
                UNION ALL
                SELECT trace_id, start_time FROM spans
                WHERE {_RANGE} AND positionCaseInsensitiveUTF8(name, {{search:String}}) > 0
            ) {also} GROUP BY trace_id"""
    else:
        source = filtered
    rows = store.rows(
        f"""
        SELECT trace_id, toUnixTimestamp64Nano(max(start_time)) AS at {source}
        ORDER BY at DESC LIMIT {{limit:UInt32}}
        """,
        project=project,
        start=start,
        end=end,
        limit=limit,
        search=search,
        **{f"value_{name}": value for name, value in where.items()},
        **{f"word_{n}": word for n, word in enumerate(words)},
    )
    return {row["trace_id"]: int(row["at"]) for row in rows}


def _holds(words: Sequence[str]) -> str:
    """The condition that the texts of a span together have every word of the search."""
    exact = "".join(
        f" AND position({_WORDS}, lowerUTF8({{word_{n}:String}})) > 0" for n in range(len(words))
    )
    return f"hasAllTokens({_WORDS}, lowerUTF8({{search:String}})){exact}"


def _listed(
    store: Store, project: str, start: int, end: int, found: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The traces with all their spans of the range, newest first."""
    traces = list(found)
    stored = trace_times(store, project, traces) if traces else {}
    late = [(at - 5 * MINUTE, at) for trace, at in found.items() if at and trace not in stored]
    times = [(a, max(b, found[trace])) for trace, (a, b) in stored.items()] + late
    if not times:
        return []
    buckets = {n for a, b in times for n in range(a // (5 * MINUTE), b // (5 * MINUTE) + 1)}
    # The primary key is of buckets: a few of them where the traces lie days apart, a range of time
    # where there are so many (a trace that ran for days) that the list would cost more.
    scattered = len(buckets) <= BUCKETS
    near = "AND toStartOfFiveMinutes(start_time) IN {buckets:Array(DateTime('UTC'))}"
    return store.rows(
        f"""
        SELECT trace_id, min(toUnixTimestamp64Nano(start_time)) AS start_ns,
               (max(toUnixTimestamp64Nano(start_time) + duration_ns) - start_ns) / 1e6
                   AS duration_ms,
               anyIf(toString(s.name), parent_span_id = '') AS name,
               anyIf(input_preview, parent_span_id = '') AS input,
               anyIf(output_preview, parent_span_id = '') AS output,
               any(s.session_id) AS session_id, count() AS spans,
               countIf(s.status = 'ERROR') AS errors, sum(s.input_tokens) AS input_tokens,
               sum(s.output_tokens) AS output_tokens, sum(s.cost_usd) AS cost_usd, {SEGMENT_SQL}
        FROM spans AS s FINAL
        WHERE {_RANGE} AND trace_id IN {{traces:Array(String)}} {near if scattered else ""}
        GROUP BY trace_id ORDER BY start_ns DESC
        """,
        project=project,
        start=max(start, min(a for a, _ in times)),
        end=min(end, max(b for _, b in times) + 1),
        traces=traces,
        buckets=[n * 300 for n in sorted(buckets)] if scattered else [],
    )
