"""Human labels, and the scores that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.models import LabelRow


def insert_labels(store: Store, rows: Sequence[LabelRow]) -> None:
    """Add labels; a later one of the same annotator for the same item replaces it."""
    store.insert("labels", rows)


def labels(store: Store, project: str, evaluator: str) -> list[dict[str, Any]]:
    """Labels by item and annotator: trace_id, span_id ('' for any), annotator, value, chosen,
    probability."""
    return store.rows(
        """
        SELECT trace_id, span_id, annotator, value, toString(chosen) AS chosen, probability
        FROM labels FINAL WHERE project = {project:String} AND evaluator = {evaluator:String}
        ORDER BY trace_id, span_id, annotator
        """,
        project=project,
        evaluator=evaluator,
    )


def latest_version(store: Store, project: str, evaluator: str) -> str:
    """The version of an evaluator that scored last; '' where none did."""
    rows = store.rows(
        """
        SELECT toString(evaluator_version) AS version FROM scores
        WHERE project = {project:String} AND evaluator = {evaluator:String} AND status = 'scored'
        ORDER BY scored_at DESC LIMIT 1
        """,
        project=project,
        evaluator=evaluator,
    )
    return rows[0]["version"] if rows else ""


def population(store: Store, project: str, evaluator: str, version: str) -> list[dict[str, Any]]:
    """What one evaluator version made of every item that it was asked about: trace_id, span_id,
    session_id, status, value, probability (of being judged). Items that were not sampled are
    left out."""
    return store.rows(
        """
        SELECT trace_id, span_id, session_id, toString(status) AS status, value, probability
        FROM scores FINAL
        WHERE project = {project:String} AND evaluator = {evaluator:String}
          AND evaluator_version = {version:String} AND reason != 'not sampled'
        ORDER BY trace_id, span_id
        """,
        project=project,
        evaluator=evaluator,
        version=version,
    )
