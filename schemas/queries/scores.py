"""Scores and embeddings: insert, read per trace, observations for monitors, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.hours import rolled
from schemas.hours.scores import SCORE_COUNTS
from schemas.models import EmbeddingRow, Observation, ScoreRow
from schemas.queries.sessions import judged_between
from schemas.queries.spans import SEGMENT_COLUMNS, SEGMENT_SQL


def insert_scores(store: Store, rows: Sequence[ScoreRow]) -> None:
    store.insert("scores", rows)


def insert_embeddings(store: Store, rows: Sequence[EmbeddingRow]) -> None:
    store.insert("embeddings", rows)


def evaluators(store: Store, project: str) -> list[dict[str, Any]]:
    """Per evaluator and version, of all that is stored: evaluator, version, scored, unscored,
    errors (the newest row of each item counts), mean (NaN if 0)."""
    of = rolled.source(
        store, project, SCORE_COUNTS, 0, rolled.END,
        "toString(evaluator) AS name, toString(evaluator_version) AS version,"
        " toString(status) AS what, items, total",
        "evaluator != ''",
    )  # fmt: skip
    return store.rows(
        f"""
        SELECT name AS evaluator, version, sumIf(items, what = 'scored') AS scored,
               sumIf(items, what = 'unscored') AS unscored, sumIf(items, what = 'error') AS errors,
               round(sum(total) / scored, 12) AS mean
        FROM {of.sql} GROUP BY name, version ORDER BY name, version
        """,
        project=project, **of.named,
    )  # fmt: skip


def trace_scores(store: Store, project: str, trace_id: str) -> list[dict[str, Any]]:
    """All scores of a trace: evaluator, evaluator_version, status, value, reason, explanation,
    span_id, level, source."""
    since, until = judged_between(store, project, [trace_id])
    return store.rows(
        """
        SELECT toString(evaluator) AS evaluator, toString(evaluator_version) AS evaluator_version,
               toString(status) AS status, value, reason, explanation, span_id,
               toString(level) AS level, toString(source) AS source
        FROM scores FINAL PREWHERE trace_id = {trace:String}
        WHERE project = {project:String}
          AND span_start >= fromUnixTimestamp64Nano({since:Int64})
          AND span_start <= fromUnixTimestamp64Nano({until:Int64})
        ORDER BY evaluator
        """,
        project=project, trace=trace_id, since=since, until=until,
    )  # fmt: skip


def observations(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> list[Observation]:
    """Scored values of one evaluator version in [start, end), by time, with segment columns; of a
    trace's spans those from an hour before the range to a day after it tell its segments."""
    rows = store.rows(
        f"""
        SELECT s.trace_id AS trace_id, any(s.session_id) AS session,
               toUnixTimestamp64Nano(min(v.span_start)) AS time, any(v.value) AS score,
               {SEGMENT_SQL}
        FROM scores AS v FINAL INNER JOIN spans AS s
            ON s.project = v.project AND s.trace_id = v.trace_id
        WHERE v.project = {{project:String}} AND s.project = {{project:String}}
          AND v.evaluator = {{evaluator:String}}
          AND v.evaluator_version = {{version:String}} AND v.status = 'scored'
          AND v.span_start >= fromUnixTimestamp64Nano({{start:Int64}})
          AND v.span_start < fromUnixTimestamp64Nano({{end:Int64}})
        GROUP BY s.trace_id ORDER BY time
        """,
        project=project,
        evaluator=evaluator,
        version=version,
        start=start_ns,
        end=end_ns,
        earlier=start_ns - 3600 * 10**9,
        later=end_ns + 86_400 * 10**9,
    )
    return [
        Observation(
            r["trace_id"],
            r["session"],
            int(r["time"]),
            float(r["score"]),
            {name: r[f"segment_{name}"] for name in SEGMENT_COLUMNS},
        )
        for r in rows
    ]


def embeddings(
    store: Store, project: str, field: str, start_ns: int, end_ns: int
) -> list[tuple[int, str, list[float]]]:
    """(time in ns, trace_id, vector) of one field in [start, end), by time."""
    rows = store.rows(
        """
        SELECT toUnixTimestamp64Nano(span_start) AS time, trace_id, vector FROM embeddings FINAL
        WHERE project = {project:String} AND field = {field:String}
          AND span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND span_start < fromUnixTimestamp64Nano({end:Int64})
        ORDER BY time
        """,
        project=project,
        field=field,
        start=start_ns,
        end=end_ns,
    )
    return [(int(r["time"]), r["trace_id"], list(r["vector"])) for r in rows]
