"""OTLP metric points: insert, and read one series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.models import MetricRow


def insert_metrics(store: Store, rows: Sequence[MetricRow], token: str) -> None:
    """One segment = one INSERT = one deduplication token (design section 4)."""
    store.insert("metrics_in", rows, token)


def metric_points(
    store: Store, project: str, name: str, start_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """Points of one metric in [start, end) by time, each once: the columns of MetricRow less
    `segment`, plus time_ns."""
    return store.rows(
        """
        SELECT *, toUnixTimestamp64Nano(time) AS time_ns FROM metrics FINAL
        WHERE project = {project:String} AND name = {name:String}
          AND time >= fromUnixTimestamp64Nano({start:Int64})
          AND time < fromUnixTimestamp64Nano({end:Int64})
        ORDER BY time, point_id
        """,
        project=project,
        name=name,
        start=start_ns,
        end=end_ns,
    )
