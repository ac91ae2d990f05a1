"""Is what came in stored, and is what is stored judged?"""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.hours import rolled
from schemas.hours.scores import SCORE_COUNTS


def newest_versions(store: Store, project: str) -> list[dict[str, Any]]:
    """Of each evaluator the version that judged last: evaluator, version, scored_ms (when it judged
    last), reached_ns (the newest start of what it has judged)."""
    of = rolled.source(
        store, project, SCORE_COUNTS, 0, rolled.END,
        "toString(evaluator) AS name, toString(evaluator_version) AS one, scored, reached",
        "evaluator != ''",
    )  # fmt: skip
    return store.rows(
        f"""
        SELECT name AS evaluator, argMax(one, (last, one)) AS version,
               toUnixTimestamp64Milli(max(last)) AS scored_ms,
               toUnixTimestamp64Nano(max(furthest)) AS reached_ns
        FROM (
            SELECT name, one, max(scored) AS last, max(reached) AS furthest
            FROM {of.sql} GROUP BY name, one
        ) GROUP BY name ORDER BY name
        """,
        project=project, **of.named,
    )  # fmt: skip


def ingest(store: Store, project: str) -> dict[str, Any]:
    """By the ledger: stored_ms (the last INSERT of traces), hour and day (items of all signals that
    were stored in the last hour and 24 hours, re-sends counted), refused (in 24 hours)."""
    (row,) = store.rows(
        """
        SELECT toUnixTimestamp64Milli(maxIf(stored_at, signal = 'traces')) AS stored_ms,
               sumIf(spans, stored_at > now64(3) - INTERVAL 1 HOUR) AS hour,
               sumIf(spans, stored_at > now64(3) - INTERVAL 24 HOUR) AS day
        FROM segments FINAL WHERE project = {project:String}
        """,
        project=project,
    )
    (bad,) = store.rows(
        """
        SELECT sum(count) AS refused FROM rejections
        WHERE project = {project:String} AND last_at > now64(3) - INTERVAL 24 HOUR
        """,
        project=project,
    )
    return {**row, "refused": int(bad["refused"])}
