"""Human labels, and the scores that they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from schemas.clickhouse import Store
from schemas.estimates.strata import Crossed
from schemas.estimates.units import Whole
from schemas.hours import rolled
from schemas.hours.scores import SCORE_COUNTS
from schemas.models import LabelRow
from schemas.queries.traces import SEGMENT_COLUMNS
from schemas.queries.verdicts import of_sessions, of_version, verdicts


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
    of = rolled.source(
        store, project, SCORE_COUNTS, 0, rolled.END,
        "toString(evaluator_version) AS one, toString(status) AS what, scored",
        "evaluator = {evaluator:String}", evaluator=evaluator,
    )  # fmt: skip
    (row,) = store.rows(
        f"SELECT argMaxIf(one, (scored, one), what = 'scored') AS version FROM {of.sql}",
        project=project, **of.named,
    )  # fmt: skip
    return str(row["version"])


def population(
    store: Store, project: str, evaluator: str, version: str, start_ns: int = 0,
    end_ns: int = 2**62, segment: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """What one evaluator version made of every item that it was asked about, of what began in
    [start, end) and of a segment (a value by column): trace_id, span_id, session_id, status, value,
    probability (of being judged). Items that were not sampled are left out. Raises ValueError on
    an unknown column."""
    chosen = _checked(segment or {})
    having = " AND ".join(f"anyIf(toString({n}), {n} != '') = {{segment_{n}:String}}"
                          for n in sorted(chosen))  # fmt: skip
    inside = f"""AND trace_id IN (SELECT trace_id FROM spans WHERE project = {{project:String}}
              GROUP BY trace_id HAVING {having})""" if chosen else ""  # fmt: skip
    return store.rows(
        f"""
        SELECT trace_id, span_id, session_id, toString(status) AS status, value, probability
        FROM scores FINAL
        WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
          AND evaluator_version = {{version:String}} AND reason != 'not sampled'
          AND span_start >= fromUnixTimestamp64Nano({{start:Int64}})
          AND span_start < fromUnixTimestamp64Nano({{end:Int64}}) {inside}
        ORDER BY trace_id, span_id
        """,
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns,
        **{f"segment_{name}": value for name, value in chosen.items()},
    )  # fmt: skip


_SCORED = """project = {project:String} AND evaluator = {evaluator:String}
          AND evaluator_version = {version:String} AND status = 'scored' AND probability > 0"""
_UNIT = "if(session_id = '', trace_id, session_id)"


def whole(store: Store, project: str, evaluator: str, version: str) -> Whole | None:
    """Sums over all that one evaluator version scored, groups of sessions as units, of which the
    sessions are counted; None of nothing."""
    told = verdicts(store, project, 0, rolled.END, evaluator)
    for row in of_version(told, evaluator, version)[1]:
        if row["status"] == "scored":
            found = of_sessions(row)
            return Whole(**{each.name: getattr(found, each.name) for each in fields(Whole)})
    return None


def crossed(
    store: Store, project: str, evaluator: str, version: str, edges: Sequence[float]
) -> Crossed | None:
    """Sums over all that one evaluator version scored, by the strata of the score between `edges`
    (ascending); None of nothing."""
    (row,) = store.rows(
        f"""
        SELECT count() AS units, sum(n) AS items, sumForEach(a) AS w,
               sumForEach(arrayFlatten(arrayMap(x -> arrayMap(y -> x * y, a), a))) AS ww
        FROM (
            SELECT {_UNIT} AS unit, count() AS n,
                   sumForEach(arrayMap(
                       k -> if(k = arrayCount(e -> value >= e, {{edges:Array(Float64)}}),
                               1 / probability, 0),
                       range(length({{edges:Array(Float64)}}) + 1))) AS a
            FROM scores FINAL WHERE {_SCORED} GROUP BY unit
        )
        """,
        project=project, evaluator=evaluator, version=version, edges=list(edges),
    )  # fmt: skip
    if not row["units"]:
        return None
    count = len(edges) + 1
    return Crossed(
        row["units"], row["items"], np.array(row["w"]), np.array(row["ww"]).reshape(count, count)
    )


def of_labelled_units(
    store: Store, project: str, evaluator: str, version: str
) -> list[dict[str, Any]]:
    """The scored rows of `population` of every session that has a labelled item."""
    return store.rows(
        f"""
        SELECT trace_id, span_id, session_id, 'scored' AS status, value, probability
        FROM scores FINAL WHERE {_SCORED} AND {_UNIT} IN (
            SELECT {_UNIT} FROM scores WHERE {_SCORED} AND trace_id IN (
                SELECT trace_id FROM labels
                WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}))
        ORDER BY trace_id, span_id
        """,
        project=project, evaluator=evaluator, version=version,
    )  # fmt: skip


def elsewhere(store: Store, project: str, evaluator: str) -> list[dict[str, Any]]:
    """The scores of every version for traces that people labelled: version, trace_id, span_id,
    session_id, value, newest first."""
    return store.rows(
        """
        SELECT toString(evaluator_version) AS version, trace_id, span_id, session_id, value
        FROM scores FINAL
        WHERE project = {project:String} AND evaluator = {evaluator:String} AND status = 'scored'
          AND trace_id IN (SELECT trace_id FROM labels
                           WHERE project = {project:String} AND evaluator = {evaluator:String})
        ORDER BY scored_at DESC, trace_id, span_id
        """,
        project=project,
        evaluator=evaluator,
    )


def segment_of(store: Store, project: str, traces: Sequence[str], column: str) -> dict[str, str]:
    """The value of a column of SEGMENT_COLUMNS by trace. Raises ValueError on others."""
    _checked({column: ""})
    rows = store.rows(
        f"""
        SELECT trace_id, anyIf(toString({column}), {column} != '') AS value FROM spans
        WHERE project = {{project:String}} AND trace_id IN {{traces:Array(String)}}
        GROUP BY trace_id
        """,
        project=project,
        traces=list(traces),
    )
    return {row["trace_id"]: row["value"] for row in rows}


def _checked(segment: Mapping[str, str]) -> Mapping[str, str]:
    if unknown := set(segment) - set(SEGMENT_COLUMNS):
        known = ", ".join(SEGMENT_COLUMNS)
        raise ValueError(f"{', '.join(sorted(unknown))} is no segment; there are: {known}")
    return segment
