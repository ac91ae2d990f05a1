"""What each stage of an application did in scored traces: what stage attribution reads."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.queries.mixes import Frozen
from schemas.queries.segments import EXTRA_SQL
from schemas.queries.traces import SEGMENT_SQL

MOST = 20_000  # traces; of more, one in so many is drawn by the hash of its id
RELEVANCE = "context_relevance"  # the evaluator whose score tells of the retrieval, where there is
# Stage -> column -> (what it is of one trace, whether it is a number). First to last: a stage may
# act on later ones.
STAGES: dict[str, dict[str, tuple[str, bool]]] = {
    "input": {
        "topic": ("any(t.topic)", False), "language": ("segment_language", False),
        "input_length": ("argMinIf(toFloat64(s.input_length),"
                         " (s.parent_span_id != '', s.start_time), s.input_length > 0)", True),
    },
    "embedding": {
        "embedding_model": ("anyIf(toString(s.model), s.kind = 'EMBEDDING')", False),
    },
    "retrieval": {
        "document_source": ("anyIf(toString(s.document_source), s.document_source != '')", False),
        "documents": ("toFloat64(any(x.documents))", True),
        "retrieval_score": ("if(any(x.scored), any(x.best), nan)", True),
        "context_relevance": ("if(any(r.judged), any(r.relevance), nan)", True),
    },
    "prompt": {
        "prompt_name": ("anyIf(toString(s.prompt_name), s.prompt_name != '')", False),
        "prompt_version": ("anyIf(toString(s.prompt_version), s.prompt_version != '')", False),
    },
    "model": {
        "model": ("argMaxIf(toString(s.model), s.start_time,"
                  " s.model != '' AND s.kind NOT IN ('EMBEDDING', 'RERANKER'))", False),
        "provider": ("argMaxIf(toString(s.provider), s.start_time,"
                     " s.provider != '' AND s.kind NOT IN ('EMBEDDING', 'RERANKER'))", False),
    },
    "tools": {
        "tools": ("arrayStringConcat(arraySort(arrayMap(n -> toString(n), segment_tools)), ' + ')",
                  False),
        "tool_error": ("if(countIf(s.kind = 'TOOL' AND s.status = 'ERROR') > 0, 'yes', 'no')",
                       False),
    },
    "post-processing": {
        "finish_reason": ("argMaxIf(toString(s.finish_reason), s.start_time,"
                          " s.finish_reason != '')", False),
        "output_length": ("argMinIf(toFloat64(s.output_length),"
                          " (s.parent_span_id != '', s.start_time), s.output_length > 0)", True),
        "output_format": ("""multiIf(said = '', 'none', match(said, '^[{\\\\[]'), 'JSON',
            startsWith(said, '```'), 'code', match(said, '(^|\\n)([-*]|[0-9]+[.)]) '), 'list',
            'text')""", False),
        "service_version": ("anyIf(toString(s.service_version), s.service_version != '')", False),
    },
}  # fmt: skip
_SAID = """trimLeft(argMinIf(s.output_preview, (s.parent_span_id != '', s.start_time),
                    s.output_length > 0)) AS said"""
_JUDGED = """
    SELECT trace_id, avg(value) AS score, min(span_start) AS began,
           max(probability) AS probability
    FROM scores FINAL
    WHERE project = {project:String} AND evaluator = {evaluator:String}
      AND evaluator_version = {version:String} AND status = 'scored'
      AND span_start >= fromUnixTimestamp64Nano({start:Int64})
      AND span_start < fromUnixTimestamp64Nano({end:Int64})
      AND cityHash64(trace_id) % {one_in:UInt32} = 0
    GROUP BY trace_id"""
# Spans of a trace may begin before the one that was scored, and after it.
_AROUND = """project = {project:String}
      AND start_time >= fromUnixTimestamp64Nano({start:Int64} - 3600000000000)
      AND start_time < fromUnixTimestamp64Nano({end:Int64} + 86400000000000)"""


def judged_traces(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> int:
    """How many traces an evaluator's version scored in [start, end)."""
    rows = store.rows(
        f"SELECT count() AS n FROM ({_JUDGED})",
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns, one_in=1,
    )  # fmt: skip
    return int(rows[0]["n"])


def stages(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    topics: Frozen | None = None, one_in: int = 1,
) -> list[dict[str, Any]]:  # fmt: skip
    """Of each trace that an evaluator's version scored in [start, end), or of one in so many, by
    time: trace_id, session (the trace's id without one), time_ns, score, weight (1 / probability
    of having been judged), segment_* and the columns of STAGES ('' or NaN where nothing is known;
    `topic` is '' without topics)."""
    columns = {name: sql for held in STAGES.values() for name, (sql, _) in held.items()}
    query, named = topics.sql() if topics is not None else ("", {})
    join = f"LEFT JOIN ({query}) AS t ON t.trace = s.trace_id" if query else ""
    if not query:
        columns["topic"] = "''"
    return store.rows(
        f"""
        WITH judged AS ({_JUDGED})
        SELECT s.trace_id AS trace_id,
               if(any(s.session_id) = '', s.trace_id, any(s.session_id)) AS session,
               toUnixTimestamp64Nano(any(j.began)) AS time_ns, any(j.score) AS score,
               if(any(j.probability) > 0, 1 / any(j.probability), 1) AS weight,
               {_SAID}, {EXTRA_SQL}, {SEGMENT_SQL.replace("toString(", "toString(s.")},
               {", ".join(f"{sql} AS stage_{name}" for name, sql in columns.items())}
        FROM spans AS s FINAL INNER JOIN judged AS j ON j.trace_id = s.trace_id
        LEFT JOIN (
            SELECT trace_id, max(length(documents)) AS documents,
                   max(arrayMax(arrayConcat([-inf], arrayFilter(v -> isFinite(v),
                                                                document_scores)))) AS best,
                   isFinite(best) AS scored
            FROM span_texts WHERE {_AROUND} AND trace_id IN (SELECT trace_id FROM judged)
            GROUP BY trace_id
        ) AS x ON x.trace_id = s.trace_id
        LEFT JOIN (
            SELECT trace_id, argMax(value, scored_at) AS relevance, 1 AS judged FROM scores FINAL
            WHERE project = {{project:String}} AND evaluator = {{relevance:String}}
              AND evaluator != {{evaluator:String}} AND status = 'scored'
              AND trace_id IN (SELECT trace_id FROM judged)
            GROUP BY trace_id
        ) AS r ON r.trace_id = s.trace_id
        {join}
        WHERE s.{_AROUND.replace("AND start_time", "AND s.start_time")} GROUP BY s.trace_id
        ORDER BY time_ns, trace_id
        """,
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns,
        one_in=one_in, relevance=RELEVANCE, **named,
    )  # fmt: skip
