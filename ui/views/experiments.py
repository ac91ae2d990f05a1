"""Two runs compared pair by pair: two versions of an evaluator, or two values of a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.estimates.paired import compare
from schemas.queries import datasets as queries
from schemas.queries import labels, scores, spans
from schemas.queries.traces import SEGMENT_COLUMNS
from ui.data import trace_link

VERSIONS, RUNS = "Two versions of the evaluator", "Two runs of the application"


def render(store: Store, project: str) -> None:
    st.title("Experiments")
    known = [row for row in scores.evaluators(store, project) if row["scored"]]
    if not known:
        st.info("Nothing has been scored in this project yet: there is nothing to compare.")
        return
    left, right = st.columns(2)
    evaluator = _select(left, "Evaluator", "evaluator", sorted({r["evaluator"] for r in known}))
    what = _select(right, "Compare", "compare", [RUNS, VERSIONS])
    versions = [row["version"] for row in known if row["evaluator"] == evaluator]
    if what == VERSIONS:
        if len(versions) < 2:
            st.info("This evaluator has scored under one version only.")
            return
        one = _select(left, "A", "a", versions)
        two = _select(right, "B", "b", [v for v in versions if v != one])
        rows = queries.paired_scores(store, project, evaluator, one, two)
        pairs = "traces that both have scored"
    else:
        column = _select(left, "Told apart by", "by", SEGMENT_COLUMNS)
        found = _values(store, project, evaluator, column)
        if len(found) < 2:
            st.info(f"Scored traces have fewer than two values of {column}.")
            return
        one = _select(left, "A", "a", found)
        two = _select(right, "B", "b", [value for value in found if value != one])
        version = labels.latest_version(store, project, evaluator)
        rows = queries.paired_runs(store, project, evaluator, version, column, one, two)
        pairs = "questions that both were asked"
    _result(project, rows, pairs)


def _select(where: Any, label: str, name: str, choice: Sequence[str]) -> str:
    said = st.query_params.get(name, choice[0])
    index = list(choice).index(said) if said in choice else 0
    found = str(where.selectbox(label, choice, index=index))
    st.query_params[name] = found
    return found


def _values(store: Store, project: str, evaluator: str, column: str) -> list[str]:
    version = labels.latest_version(store, project, evaluator)
    first, last = spans.time_range(store, project)
    rows = scores.observations(store, project, evaluator, version, first, last + 1)
    return sorted({row.segment[column] for row in rows if row.segment.get(column)})


def _result(project: str, rows: Sequence[dict[str, Any]], pairs: str) -> None:
    if not rows:
        st.info(f"There are no {pairs}: a paired comparison needs some.")
        return
    a, b = (np.array([row[name] for row in rows], float) for name in ("a", "b"))
    found = compare(a, b, [row["session_id"] or row["trace_id"] for row in rows])
    tiles = st.columns(4)
    tiles[0].metric("A", f"{found.mean_a:.3f}")
    tiles[1].metric("B", f"{found.mean_b:.3f}")
    tiles[2].metric("B less A", f"{found.difference:+.3f}")
    tiles[3].metric("p-value", f"{found.p_value:.4f}")
    if math.isfinite(found.low):
        tiles[2].caption(f"95%: {found.low:+.3f} to {found.high:+.3f}")
    st.markdown(
        f"{found.items:,} {pairs}, {found.units:,} independent units. B is higher in"
        f" {found.wins:,}, lower in {found.losses:,}, the same in {found.ties:,}."
    )
    st.caption("The p-value is of a paired randomisation test that flips whole units; it is of this"
               " one comparison, and many looks need a stricter level.")  # fmt: skip
    worst = sorted(rows, key=lambda row: row["b"] - row["a"])[:50]
    st.subheader("Where B is lowest beside A")
    st.dataframe(
        pd.DataFrame(
            {
                "trace": trace_link(project, row["trace_id"]),
                "A": round(row["a"], 3),
                "B": round(row["b"], 3),
                "B less A": round(row["b"] - row["a"], 3),
            }
            for row in worst
        ),
        hide_index=True,
        column_config={"trace": st.column_config.LinkColumn("trace", display_text="open")},
    )
