"""What became of each item that an evaluator was asked about: scored, or why not."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store


def outcomes(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """By status and reason, the most frequent first: status, reason, items, and `example`, a trace
    of the last one."""
    return store.rows(
        """
        SELECT toString(status) AS status, reason, count() AS items,
               argMax(trace_id, span_start) AS example
        FROM scores FINAL
        WHERE project = {project:String} AND evaluator = {evaluator:String}
          AND evaluator_version = {version:String}
          AND span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND span_start < fromUnixTimestamp64Nano({end:Int64})
        GROUP BY status, reason ORDER BY items DESC, status, reason
        """,
        project=project,
        evaluator=evaluator,
        version=version,
        start=start_ns,
        end=end_ns,
    )
