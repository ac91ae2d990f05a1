"""What monitors ask of scores: how much is judged, by which version, on which sample."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store


def coverage(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> tuple[int, int]:
    """(traces with a span, traces with a score row of any status) in [start, end)."""
    (row,) = store.rows(
        """
        WITH seen AS (
            SELECT DISTINCT trace_id FROM spans WHERE project = {project:String}
              AND start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND start_time < fromUnixTimestamp64Nano({end:Int64})
        )
        SELECT (SELECT count() FROM seen) AS traces, uniqExact(trace_id) AS judged
        FROM scores WHERE project = {project:String} AND evaluator = {evaluator:String}
          AND evaluator_version = {version:String} AND trace_id IN (SELECT trace_id FROM seen)
        """,
        project=project,
        evaluator=evaluator,
        version=version,
        start=start_ns,
        end=end_ns,
    )
    return int(row["traces"]), int(row["judged"])


def newest_versions(store: Store, project: str) -> dict[str, str]:
    """Of each evaluator the version that scored last."""
    rows = store.rows(
        """
        SELECT toString(evaluator) AS name,
               toString(argMax(evaluator_version, (scored_at, evaluator_version))) AS version
        FROM scores WHERE project = {project:String} GROUP BY name ORDER BY name
        """,
        project=project,
    )
    return {str(row["name"]): str(row["version"]) for row in rows}


def samplings(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """How traces that began in [start, end) were chosen for evaluators, oldest first: evaluator,
    version, probability, first_ms and last_ms (begin of its first and last trace), scored."""
    return store.rows(
        """
        SELECT toString(evaluator) AS evaluator, toString(evaluator_version) AS version,
               round(probability, 6) AS probability, count() AS scored,
               toUnixTimestamp64Milli(min(span_start)) AS first_ms,
               toUnixTimestamp64Milli(max(span_start)) AS last_ms
        FROM scores FINAL WHERE project = {project:String} AND status = 'scored'
          AND span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND span_start < fromUnixTimestamp64Nano({end:Int64})
        GROUP BY evaluator, version, probability ORDER BY evaluator, first_ms
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
