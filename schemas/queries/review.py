"""The queue of items that people label: what could be drawn, what was, and who said what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.review import ReviewBatchRow, ReviewItemRow


def insert_batches(store: Store, rows: Sequence[ReviewBatchRow]) -> None:
    store.insert("review_batches", rows)


def insert_items(store: Store, rows: Sequence[ReviewItemRow]) -> None:
    """Add items; a later row of the same item replaces it."""
    store.insert("review_items", rows)


def review_batches(store: Store, project: str, evaluator: str) -> list[ReviewBatchRow]:
    """Every draw, the first one first."""
    rows = store.rows(
        """
        SELECT * EXCEPT (drawn_at), toUnixTimestamp64Milli(drawn_at) AS drawn_at
        FROM review_batches FINAL
        WHERE project = {project:String} AND evaluator = {evaluator:String}
        ORDER BY review_batches.drawn_at, batch
        """,
        project=project,
        evaluator=evaluator,
    )
    return [ReviewBatchRow(**row) for row in rows]


def candidates(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """What one evaluator version scored in [start, end): trace_id, span_id, session_id, value,
    start_ns, scored_ms, and the retained queue's `batch` ('' where it was not drawn), probability,
    wanted, place."""
    return store.rows(
        """
        SELECT s.trace_id AS trace_id, s.span_id AS span_id, s.session_id AS session_id,
               s.value AS value, toUnixTimestamp64Nano(s.span_start) AS start_ns,
               toUnixTimestamp64Milli(s.scored_at) AS scored_ms,
               q.batch AS batch, q.probability AS probability, q.wanted AS wanted, q.place AS place
        FROM (
            SELECT * FROM scores FINAL
            WHERE project = {project:String} AND evaluator = {evaluator:String}
              AND evaluator_version = {version:String} AND status = 'scored'
              AND span_start >= fromUnixTimestamp64Nano({start:Int64})
              AND span_start < fromUnixTimestamp64Nano({end:Int64})
        ) AS s LEFT JOIN (
            SELECT * FROM review_items FINAL
            WHERE project = {project:String} AND evaluator = {evaluator:String}
        ) AS q ON q.trace_id = s.trace_id AND q.span_id = s.span_id
        ORDER BY start_ns, trace_id, span_id
        """,
        project=project,
        evaluator=evaluator,
        version=version,
        start=start_ns,
        end=end_ns,
    )


def queue(store: Store, project: str, evaluator: str) -> list[dict[str, Any]]:
    """Items in the order of the queue: trace_id, span_id, session_id, probability, wanted, and
    `annotators` who labelled it."""
    return store.rows(
        """
        SELECT q.trace_id AS trace_id, q.span_id AS span_id, any(q.session_id) AS session_id,
               any(q.probability) AS probability, any(q.wanted) AS wanted,
               arraySort(groupUniqArrayIf(l.annotator, l.annotator != '')) AS annotators
        FROM (
            SELECT * FROM review_items FINAL
            WHERE project = {project:String} AND evaluator = {evaluator:String}
        ) AS q LEFT JOIN (
            SELECT trace_id, span_id, annotator FROM labels FINAL
            WHERE project = {project:String} AND evaluator = {evaluator:String}
        ) AS l ON l.trace_id = q.trace_id AND l.span_id = q.span_id
        GROUP BY trace_id, span_id ORDER BY any(q.place), trace_id, span_id
        """,
        project=project,
        evaluator=evaluator,
    )


def drawn_labels(store: Store, project: str, evaluator: str) -> list[dict[str, Any]]:
    """Labels of a probability sample, whole: the columns of LabelRow, labelled_at in ms."""
    return store.rows(
        """
        SELECT * EXCEPT (labelled_at), toUnixTimestamp64Milli(labelled_at) AS labelled_at
        FROM labels FINAL
        WHERE project = {project:String} AND evaluator = {evaluator:String}
          AND chosen = 'probability' ORDER BY trace_id, span_id, annotator
        """,
        project=project,
        evaluator=evaluator,
    )
