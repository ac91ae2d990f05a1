"""Versions and items of data sets, and the scores of two runs item by item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.queries.traces import SEGMENT_COLUMNS

HOUR, DAY = 3600 * 10**9, 86_400 * 10**9  # within which a trace's spans lie around its start
END = 2**62  # ns since 1970: later than all


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


_OURS = """project = {project:String} AND evaluator = {evaluator:String} AND status = 'scored'
              AND span_start >= fromUnixTimestamp64Nano({start:Int64})
              AND span_start < fromUnixTimestamp64Nano({end:Int64})"""
_SPANS = """project = {project:String}
              AND start_time >= fromUnixTimestamp64Nano({earlier:Int64})
              AND start_time < fromUnixTimestamp64Nano({later:Int64})"""


def _named(project: str, start_ns: int, end_ns: int, items: tuple[str, str]) -> dict[str, Any]:
    return {
        "project": project, "start": start_ns, "end": end_ns, "earlier": max(0, start_ns - HOUR),
        "later": end_ns + DAY, "dataset": items[0], "draft": items[1],
    }  # fmt: skip


def paired_scores(
    store: Store, project: str, evaluator: str, version: str, other: str,
    items: tuple[str, str] = ("", ""), start_ns: int = 0, end_ns: int = END,
) -> list[dict[str, Any]]:  # fmt: skip
    """What two versions of an evaluator made of the same traces that began in [start, end) (those
    of a data set, where `items` is its name and a draft): trace_id, other_id (the same),
    session_id, a (of `version`), b (of `other`)."""
    return store.rows(
        f"""
        SELECT any(s.trace_id) AS trace_id, trace_id AS other_id, any(s.session_id) AS session_id,
               argMaxIf(s.value, s.scored_at, s.evaluator_version = {{version:String}}) AS a,
               argMaxIf(s.value, s.scored_at, s.evaluator_version = {{other:String}}) AS b
        FROM scores AS s
        WHERE {_OURS} AND evaluator_version IN ({{version:String}}, {{other:String}})
          {f"AND s.trace_id IN (SELECT trace_id {_ITEMS})" if items[0] else ""}
        GROUP BY cityHash64(s.trace_id, s.span_id)
        HAVING uniqExact(s.evaluator_version) = 2 ORDER BY trace_id
        """,
        evaluator=evaluator, version=version, other=other,
        **_named(project, start_ns, end_ns, items),
    )  # fmt: skip


def paired_runs(
    store: Store, project: str, evaluator: str, version: str, column: str, first: str, second: str,
    items: tuple[str, str] = ("", ""), start_ns: int = 0, end_ns: int = END,
) -> list[dict[str, Any]]:  # fmt: skip
    """Scores of traces that began in [start, end) with the same question (one of a data set, where
    `items` is its name and a draft) under two values of a column of SEGMENT_COLUMNS: trace_id (one
    under `first`), other_id (one under `second`), session_id ('': the question is the unit), a
    (mean under `first`), b (mean under `second`). Raises ValueError on another column."""
    if column not in SEGMENT_COLUMNS:
        raise ValueError(f"runs cannot be told apart by {column}")
    return store.rows(
        f"""
        SELECT minIf(id, run = {{first:String}}) AS trace_id,
               minIf(id, run = {{second:String}}) AS other_id, '' AS session_id,
               avgIf(value, run = {{first:String}}) AS a, avgIf(value, run = {{second:String}}) AS b
        FROM (
            SELECT cityHash64(trace_id) AS trace, any(trace_id) AS id,
                   argMax(value, scored_at) AS value
            FROM scores WHERE {_OURS} AND evaluator_version = {{version:String}} GROUP BY trace
        ) AS v INNER JOIN (
            SELECT cityHash64(trace_id) AS trace,
                   anyIf(cityHash64(input_preview, input_length), parent_span_id = '') AS question,
                   anyIf(toString({column}), {column} != '') AS run
            FROM spans WHERE {_SPANS} GROUP BY trace
            HAVING run IN ({{first:String}}, {{second:String}})
        ) AS s ON s.trace = v.trace
        {f"WHERE question IN (SELECT {_QUESTION} {_ITEMS})" if items[0] else ""}
        GROUP BY question
        HAVING countIf(run = {{first:String}}) > 0 AND countIf(run = {{second:String}}) > 0
        ORDER BY trace_id
        """,
        evaluator=evaluator, version=version, first=first, second=second,
        **_named(project, start_ns, end_ns, items),
    )  # fmt: skip


def run_values(
    store: Store, project: str, column: str, start_ns: int = 0, end_ns: int = END
) -> list[str]:
    """The values that a column of SEGMENT_COLUMNS has in spans of traces that began in [start,
    end), by name. Raises ValueError on another column."""
    if column not in SEGMENT_COLUMNS:
        raise ValueError(f"runs cannot be told apart by {column}")
    rows = store.rows(
        f"""
        SELECT DISTINCT toString({column}) AS run FROM spans WHERE {_SPANS} AND {column} != ''
        ORDER BY run
        """,
        **{k: v for k, v in _named(project, start_ns, end_ns, ("", "")).items()
           if k in ("project", "earlier", "later")},
    )  # fmt: skip
    return [row["run"] for row in rows]
