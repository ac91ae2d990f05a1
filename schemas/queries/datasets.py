"""Versions and items of data sets, and the scores of two runs item by item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.queries.traces import SEGMENT_COLUMNS


def insert_dataset_version(store: Store, rows: Sequence[Any], token: str) -> None:
    """Of two writers of one version the first wins: the token names it."""
    store.insert("dataset_versions", rows, token)


def insert_dataset_items(store: Store, rows: Sequence[Any]) -> None:
    store.insert("dataset_items", rows)


def dataset_names(store: Store, project: str) -> list[dict[str, Any]]:
    """By data set: dataset, versions, items of the last, created_at of the last."""
    return store.rows(
        """
        SELECT dataset, max(v.number) AS versions, argMax(v.items, v.number) AS items,
               max(v.created_at) AS created_at
        FROM dataset_versions AS v FINAL WHERE project = {project:String}
        GROUP BY dataset ORDER BY dataset
        """,
        project=project,
    )


def dataset_versions(store: Store, project: str, name: str) -> list[dict[str, Any]]:
    """Versions of one data set, the last first: number, draft, items, note, author, created_at."""
    return store.rows(
        """
        SELECT number, draft, items, note, author, created_at FROM dataset_versions FINAL
        WHERE project = {project:String} AND dataset = {name:String} ORDER BY number DESC
        """,
        project=project,
        name=name,
    )


def dataset_items(store: Store, project: str, name: str, draft: str) -> list[dict[str, Any]]:
    """Items of a version by its draft: item, trace_id, session_id, input, output, documents,
    metadata."""
    return store.rows(
        """
        SELECT item, trace_id, session_id, input, output, documents, metadata
        FROM dataset_items FINAL
        WHERE project = {project:String} AND dataset = {name:String} AND draft = {draft:String}
        ORDER BY item
        """,
        project=project,
        name=name,
        draft=draft,
    )


# As paired_runs has it of a trace: the first 200 characters and the length.
_QUESTION = "cityHash64(leftUTF8(input, 200), toUInt32(lengthUTF8(input)))"
_ITEMS = """FROM dataset_items WHERE project = {project:String}
          AND dataset = {dataset:String} AND draft = {draft:String}"""


def paired_scores(
    store: Store, project: str, evaluator: str, version: str, other: str,
    items: tuple[str, str] = ("", ""),
) -> list[dict[str, Any]]:  # fmt: skip
    """What two versions of an evaluator made of the same traces (those of a data set, where `items`
    is its name and a draft): trace_id, other_id (the same), session_id, a (of `version`), b (of
    `other`)."""
    return store.rows(
        f"""
        SELECT x.trace_id AS trace_id, x.trace_id AS other_id, x.session_id AS session_id,
               x.value AS a, y.value AS b
        FROM (
            SELECT * FROM scores FINAL
            WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
              AND evaluator_version = {{version:String}} AND status = 'scored'
        ) AS x INNER JOIN (
            SELECT * FROM scores FINAL
            WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
              AND evaluator_version = {{other:String}} AND status = 'scored'
        ) AS y ON x.trace_id = y.trace_id AND x.span_id = y.span_id
        {f"WHERE x.trace_id IN (SELECT trace_id {_ITEMS})" if items[0] else ""}
        ORDER BY trace_id
        """,
        project=project, evaluator=evaluator, version=version, other=other, dataset=items[0],
        draft=items[1],
    )  # fmt: skip


def paired_runs(
    store: Store, project: str, evaluator: str, version: str, column: str, first: str, second: str,
    items: tuple[str, str] = ("", ""),
) -> list[dict[str, Any]]:  # fmt: skip
    """Scores of traces with the same question (one of a data set, where `items` is its name and a
    draft) under two values of a column of SEGMENT_COLUMNS: trace_id (one under `first`), other_id
    (one under `second`), session_id ('': the question is the unit), a (mean under `first`), b (mean
    under `second`). Raises ValueError on another column."""
    if column not in SEGMENT_COLUMNS:
        raise ValueError(f"runs cannot be told apart by {column}")
    return store.rows(
        f"""
        SELECT anyIf(trace, run = {{first:String}}) AS trace_id,
               anyIf(trace, run = {{second:String}}) AS other_id, '' AS session_id,
               avgIf(value, run = {{first:String}}) AS a, avgIf(value, run = {{second:String}}) AS b
        FROM (
            SELECT s.trace_id AS trace, any(v.value) AS value,
                   anyIf(cityHash64(s.input_preview, s.input_length), s.parent_span_id = '')
                       AS question,
                   anyIf(toString(s.{column}), s.{column} != '') AS run
            FROM scores AS v FINAL INNER JOIN spans AS s
                ON s.project = v.project AND s.trace_id = v.trace_id
            WHERE v.project = {{project:String}} AND s.project = {{project:String}}
              AND v.evaluator = {{evaluator:String}} AND v.status = 'scored'
              AND v.evaluator_version = {{version:String}}
            GROUP BY s.trace_id
        )
        WHERE run IN ({{first:String}}, {{second:String}})
          {f"AND question IN (SELECT {_QUESTION} {_ITEMS})" if items[0] else ""}
        GROUP BY question
        HAVING countIf(run = {{first:String}}) > 0 AND countIf(run = {{second:String}}) > 0
        ORDER BY trace_id
        """,
        project=project,
        evaluator=evaluator,
        version=version,
        first=first,
        second=second,
        dataset=items[0],
        draft=items[1],
    )


def run_values(store: Store, project: str, evaluator: str, version: str, column: str) -> list[str]:
    """The values that a column of SEGMENT_COLUMNS has in traces that one evaluator version scored,
    by name. Raises ValueError on another column."""
    if column not in SEGMENT_COLUMNS:
        raise ValueError(f"runs cannot be told apart by {column}")
    rows = store.rows(
        f"""
        SELECT DISTINCT run FROM (
            SELECT anyIf(toString({column}), {column} != '') AS run FROM spans
            WHERE project = {{project:String}} AND trace_id IN (
                SELECT trace_id FROM scores
                WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
                  AND status = 'scored' AND evaluator_version = {{version:String}})
            GROUP BY trace_id
        ) WHERE run != '' ORDER BY run
        """,
        project=project, evaluator=evaluator, version=version,
    )  # fmt: skip
    return [row["run"] for row in rows]
