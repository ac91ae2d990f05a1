"""Canary sets, their runs, and since when an evaluator's scores are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.canaries import CanaryRow, CanaryRunRow, CanaryScoreRow
from schemas.clickhouse import Store
from schemas.queries.scope import across_projects

_REASON = "a canary set is the installation's"


@across_projects(_REASON)
def put(store: Store, rows: Sequence[CanaryRow]) -> None:
    """Add a set; it replaces the evaluator's one before."""
    store.insert("canary_rows", rows)


@across_projects(_REASON)
def current(store: Store, evaluator: str) -> list[dict[str, Any]]:
    """The newest set of an evaluator: set_id, item, row (JSON), label."""
    return store.rows(
        """
        SELECT set_id, item, row, label FROM canary_rows FINAL
        WHERE evaluator = {evaluator:String} AND set_id = (
            SELECT argMax(set_id, put_at) FROM canary_rows WHERE evaluator = {evaluator:String})
        ORDER BY item
        """,
        evaluator=evaluator,
    )


@across_projects(_REASON)
def evaluators(store: Store) -> list[str]:
    """Those that have a set."""
    rows = store.rows("SELECT DISTINCT toString(evaluator) AS name FROM canary_rows ORDER BY name")
    return [row["name"] for row in rows]


@across_projects(_REASON)
def insert_run(store: Store, run: CanaryRunRow, rows: Sequence[CanaryScoreRow]) -> None:
    """Scores first: a run that is listed is whole."""
    store.insert("canary_scores", rows)
    store.insert("canary_runs", [run])


@across_projects(_REASON)
def runs(store: Store, evaluator: str, version: str = "") -> list[dict[str, Any]]:
    """Runs of an evaluator (of one version where it is given), oldest first: the columns of
    CanaryRunRow, ran_ms for the time."""
    return store.rows(
        """
        SELECT * EXCEPT (ran_at, evaluator, evaluator_version), toString(evaluator) AS evaluator,
               toString(evaluator_version) AS evaluator_version,
               toUnixTimestamp64Milli(ran_at) AS ran_ms
        FROM canary_runs FINAL WHERE evaluator = {evaluator:String}
          AND ({version:String} = '' OR evaluator_version = {version:String})
        ORDER BY canary_runs.ran_at, run_id
        """,
        evaluator=evaluator,
        version=version,
    )


@across_projects(_REASON)
def values(store: Store, evaluator: str, version: str, set_id: str) -> list[dict[str, Any]]:
    """Scores of the runs over a set: run_id, item, status, value."""
    return store.rows(
        """
        SELECT run_id, item, toString(status) AS status, value FROM canary_scores FINAL
        WHERE evaluator = {evaluator:String} AND evaluator_version = {version:String}
          AND set_id = {set:String} ORDER BY run_id, item
        """,
        evaluator=evaluator,
        version=version,
        set=set_id,
    )


@across_projects(_REASON)
def doubtful_since(store: Store, evaluator: str, version: str) -> int:
    """Since when (ms) scores of a version are in doubt: the end of the last good run, where a later
    one drifted or failed. 0 where they are not."""
    rows = store.rows(
        """
        SELECT toUnixTimestamp64Milli(maxIf(ran_at, verdict IN ('null', 'good', 'changed')))
                   AS good,
               toUnixTimestamp64Milli(maxIf(ran_at, verdict IN ('drifted', 'failed'))) AS bad
        FROM canary_runs FINAL
        WHERE evaluator = {evaluator:String} AND evaluator_version = {version:String}
        """,
        evaluator=evaluator,
        version=version,
    )
    good, bad = int(rows[0]["good"]), int(rows[0]["bad"])
    return good + 1 if bad > good else 0
