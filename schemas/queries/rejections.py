"""Items that were refused: what, why, and by which SDK they were sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.models import RejectionRow
from schemas.queries.scope import across_projects


def insert_rejections(store: Store, rows: Sequence[RejectionRow], token: str) -> None:
    """Add counts; the same token adds them at most once."""
    store.insert("rejections", rows, token)


def list_rejections(store: Store, project: str, limit: int = 100) -> list[dict[str, Any]]:
    """Refused items of the last 30 days by signal, reason and SDK, most first; times in ms."""
    return store.rows(
        """
        SELECT signal, reason, sdk, anyLast(sample) AS sample, sum(count) AS items,
               toUnixTimestamp64Milli(min(first_at)) AS first_ms,
               toUnixTimestamp64Milli(max(last_at)) AS last_ms
        FROM rejections
        WHERE project = {project:String} AND day >= today() - 30
        GROUP BY signal, reason, sdk ORDER BY items DESC, last_ms DESC LIMIT {limit:UInt32}
        """,
        project=project,
        limit=limit,
    )


@across_projects("`assay doctor`, for the one who runs the machine")
def rejections_by_project(store: Store) -> list[dict[str, Any]]:
    """Refused items of the last 30 days by project, signal, reason and SDK, most first: at most
    5 of a project; times in ms."""
    return store.rows(
        """
        SELECT project, signal, reason, sdk, anyLast(sample) AS sample, sum(count) AS items,
               toUnixTimestamp64Milli(max(last_at)) AS last_ms
        FROM rejections WHERE day >= today() - 30
        GROUP BY project, signal, reason, sdk ORDER BY project, items DESC LIMIT 5 BY project
        """
    )
