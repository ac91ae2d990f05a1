"""Findings and webhook deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.models import DeliveryRow, FindingRow


def insert_findings(store: Store, rows: Sequence[FindingRow]) -> None:
    store.insert("findings", rows)


def list_findings(store: Store, project: str) -> list[dict[str, Any]]:
    """Findings, newest first: every column of FindingRow; times as datetime plus onset_ms."""
    return store.rows(
        """
        SELECT *, toUnixTimestamp64Milli(onset) AS onset_ms FROM findings FINAL
        WHERE project = {project:String} ORDER BY found_at DESC
        """,
        project=project,
    )


def insert_deliveries(store: Store, rows: Sequence[DeliveryRow]) -> None:
    store.insert("deliveries", rows)


def list_deliveries(store: Store, project: str) -> list[dict[str, Any]]:
    """Deliveries, newest first: every column of DeliveryRow; next_attempt_ms and updated_us as
    integers."""
    return store.rows(
        """
        SELECT *, toUnixTimestamp64Milli(next_attempt_at) AS next_attempt_ms,
               toUnixTimestamp64Micro(updated_at) AS updated_us
        FROM deliveries FINAL
        WHERE project = {project:String} ORDER BY updated_at DESC
        """,
        project=project,
    )
