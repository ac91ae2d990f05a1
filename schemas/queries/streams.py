"""Means by block of time of what a project's traces show, whole and by segment: what is watched.

The unit is the session (a trace without one is its own): its traces of a block are averaged first,
so that a long conversation weighs as much as a short one. Where traces are drawn, a session counts
by the inverse of the chance that any of its traces was (Horvitz and Thompson 1952): 1 less the
product of the chances that each was not, those that were not drawn among them.
"""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.queries.mixes import Frozen
from schemas.queries.segments import EXTRA_SQL, PAIRS_SQL
from schemas.queries.traces import SEGMENT_SQL

# Signal -> its value for one trace, NaN where it has none. Lengths and times are logarithms: a
# change is a factor.
TRAFFIC = {
    "latency": "log10(1 + max(trace_ms))",
    "cost": "log10(1e-6 + sum(s.cost_usd))",
    "errors": "toFloat64(max(s.status = 'ERROR'))",
    "output_length": "log10(1 + max(s.output_length))",
    "input_length": "log10(1 + max(s.input_length))",
    "output_tokens": "log10(1 + sum(s.output_tokens))",
    "first_token": "if(max(s.first_token_ns) = 0, nan, log10(1 + max(s.first_token_ns) / 1e6))",
}
LOGARITHMS = frozenset(TRAFFIC) - {"errors"}
RETRIEVAL = {  # shares of a trace's retrievals without a document, and of documents sent twice
    "empty_retrievals": "avg(toFloat64(texts = 0))",
    "duplicate_documents": "if(sum(texts) = 0, nan, 1 - sum(distinct_texts) / sum(texts))",
}
DAY = 86_400
_RANGE = """s.project = {project:String}
              AND s.start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND s.start_time < fromUnixTimestamp64Nano({end:Int64})"""
MS = """((max(toUnixTimestamp64Nano(s.start_time) + s.duration_ns)
                       - min(toUnixTimestamp64Nano(s.start_time))) / 1e6)"""

_SPANS = f"spans AS s FINAL WHERE {_RANGE}"
_SCORED = f"""scores AS v FINAL INNER JOIN spans AS s
                    ON s.project = v.project AND s.trace_id = v.trace_id
                WHERE v.project = {{project:String}} AND v.evaluator = {{evaluator:String}}
                  AND v.evaluator_version = {{version:String}}
                  AND (v.status = 'scored' OR v.reason = 'not sampled') AND {_RANGE}"""
# Of one trace, scored or not: its value, and the chance with which it was drawn.
_VALUE = "if(max(v.status = 'scored'), anyIf(v.value, v.status = 'scored'), nan)"
_CHANCE = "if(max(v.probability) > 0, least(max(v.probability), 1), 1)"


def _means(
    store: Store, values: dict[str, str], source: str, seconds: int, least: int,
    chance: str = "1.0", topics: Frozen | None = None, **named: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """Of each segment and block with `least` sessions: column, value, block, sessions (with a
    value), of each of `values` the mean over sessions (NaN: none has it) and `n_<name>`, how many
    have it. `chance`: with which a trace has a value at all. Where `topics` are given they are the
    segments, of traces whose input is embedded, and no others."""
    columns, pairs = f"{SEGMENT_SQL}, {EXTRA_SQL}", PAIRS_SQL
    if topics is not None:
        query, more = topics.sql()
        named |= more
        columns, pairs = "any(t.topic) AS segment_topic", "[('topic', segment_topic)]"
        joined = f"INNER JOIN ({query}) AS t ON t.trace = s.trace_id WHERE"
        source = joined.join(source.split("WHERE", 1))
    per_trace = ", ".join(
        f"{sql.replace('max(trace_ms)', MS)} AS v_{k}" for k, sql in values.items()
    )
    per_session = ", ".join(
        f"sumIf(v_{k} / chance, isFinite(v_{k})) / sumIf(1 / chance, isFinite(v_{k})) AS w_{k}"
        for k in values
    )
    drawn = "1.0" if chance == "1.0" else "1 / (1 - exp(sum(log1p(-chance))))"
    per_block = ", ".join(
        f"""sumIf(w_{k} * stands_for, isFinite(w_{k})) / sumIf(stands_for, isFinite(w_{k})) AS {k},
           countIf(isFinite(w_{k})) AS n_{k}"""
        for k in values
    )
    known = " OR ".join(f"isFinite(w_{k})" for k in values)
    return store.rows(
        f"""
        SELECT segment.1 AS column, segment.2 AS value, block, countIf({known}) AS sessions,
               {per_block}
        FROM (
            SELECT segment, block, unit, {drawn} AS stands_for, {per_session}
            FROM (
                SELECT s.trace_id AS trace, any(s.session_id) AS session,
                       if(session = '', trace, session) AS unit, {chance} AS chance,
                       intDiv(toUnixTimestamp(min(s.start_time)), {{seconds:UInt32}}) AS block,
                       {columns}, {per_trace}
                FROM {source} GROUP BY s.trace_id
            ) ARRAY JOIN {pairs} AS segment
            WHERE segment.1 = '' OR segment.2 != ''
            GROUP BY segment, block, unit
        ) GROUP BY segment, block HAVING sessions >= {{least:UInt32}}
        ORDER BY column, value, block
        """,
        seconds=seconds, least=least, **named,
    )  # fmt: skip


def traffic(
    store: Store, project: str, start_ns: int, end_ns: int, seconds: int = DAY, least: int = 1,
    topics: Frozen | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Of each segment ("" for all traffic) and block of `seconds` (counted since 1970, UTC) with at
    least so many sessions: column, value, block, sessions, and for each signal of TRAFFIC its mean
    over sessions (NaN: none has it) and `n_<signal>`, how many sessions have it."""
    return _means(
        store, TRAFFIC, _SPANS, seconds, least, topics=topics,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip


def retrievals(
    store: Store, project: str, start_ns: int, end_ns: int, seconds: int = DAY, least: int = 1
) -> list[dict[str, Any]]:
    """The same of RETRIEVAL, over traces with a retrieval."""
    source = f"""spans AS s FINAL LEFT JOIN (
        SELECT s.trace_id AS t, s.span_id AS i, any(length(documents)) AS texts,
               any(length(arrayDistinct(documents))) AS distinct_texts
        FROM span_texts AS s WHERE {_RANGE} GROUP BY t, i
    ) AS d ON d.t = s.trace_id AND d.i = s.span_id WHERE {_RANGE} AND s.kind = 'RETRIEVER'"""
    return _means(
        store, RETRIEVAL, source, seconds, least, project=project, start=start_ns, end=end_ns
    )


def scored(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    seconds: int = DAY, least: int = 1, topics: Frozen | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The same of one evaluator version as `mean`: sessions are weighted by the inverse of the
    chance that they were judged, and so are the traces of one."""
    return _means(
        store, {"mean": _VALUE}, _SCORED, seconds, least, _CHANCE, topics=topics,
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns,
    )  # fmt: skip


def traffic_by_day(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """`traffic` by day: `day` is the block."""
    return [{**row, "day": row["block"]} for row in traffic(store, project, start_ns, end_ns)]


def scores_by_day(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """`scored` by day: `day` is the block."""
    rows = scored(store, project, evaluator, version, start_ns, end_ns)
    return [{**row, "day": row["block"]} for row in rows]


def session_values(
    store: Store, project: str, metric: str, start_ns: int, end_ns: int, version: str = "",
    most: int = 100_000,
) -> list[tuple[str, float]]:  # fmt: skip
    """(session, value) of each trace in [start, end) that has the metric: a signal of TRAFFIC, or
    an evaluator, of which `version` counts. The newest `most`."""
    if metric in TRAFFIC:
        source, value = _SPANS, TRAFFIC[metric]
    else:
        source, value = _SCORED, _VALUE
    rows = store.rows(
        f"""
        SELECT if(any(s.session_id) = '', s.trace_id, any(s.session_id)) AS session,
               {value.replace("max(trace_ms)", MS)} AS value, min(s.start_time) AS at
        FROM {source} GROUP BY s.trace_id HAVING isFinite(value)
        ORDER BY at DESC LIMIT {{most:UInt32}}
        """,
        project=project, evaluator=metric, version=version, start=start_ns, end=end_ns, most=most,
    )  # fmt: skip
    return [(str(row["session"]), float(row["value"])) for row in rows]
