"""What monitors ask: how much of a window an evaluator has judged."""

from __future__ import annotations

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
