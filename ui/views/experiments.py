"""Two runs compared pair by pair: two versions of an evaluator, or two values of a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.estimates.paired import compare
from schemas.queries import datasets as queries
from schemas.queries import labels, scores, spans, trace
from schemas.queries.traces import SEGMENT_COLUMNS
from ui import period
from ui.connection import ahead
from ui.data import literal, trace_link
from ui.plain import visible

EVERY = "every question"
PERIOD = 168  # hours whose traces are paired unless the page is asked for others
VERSIONS, RUNS = "Two versions of the evaluator", "Two runs of the application"


def render(store: Store, project: str) -> None:
    head, place = st.columns([4, 1], vertical_alignment="bottom")
    head.title("Experiments")
    ahead(
        store, partial(scores.evaluators, store, project), partial(spans.newest, store, project),
        partial(queries.dataset_names, store, project),
    )  # fmt: skip
    known = [row for row in scores.evaluators(store, project) if row["scored"]]
    if not known:
        st.info("Nothing has been scored in this project yet: there is nothing to compare.")
        return
    span = period.chosen(store, project, place, default=PERIOD)
    left, middle, right = st.columns(3)
    evaluator = _select(left, "Evaluator", "evaluator", sorted({r["evaluator"] for r in known}))
    what = _select(middle, "Compare", "compare", [RUNS, VERSIONS])
    items = _items(right, store, project)
    versions = [row["version"] for row in known if row["evaluator"] == evaluator]
    left, middle, right = st.columns(3)
    if what == VERSIONS:
        if len(versions) < 2:
            st.info("This evaluator has scored under one version only.")
            return
        one = _select(left, "A", "a", versions)
        two = _select(middle, "B", "b", [v for v in versions if v != one])
        rows = queries.paired_scores(store, project, evaluator, one, two, items, *span)
        pairs = "traces that both have scored"
    else:
        column = _select(left, "Told apart by", "by", SEGMENT_COLUMNS)
        version = labels.latest_version(store, project, evaluator)
        found = queries.run_values(store, project, column, *span)
        if len(found) < 2:
            st.info(f"Traces of this time have fewer than two values of {column}.")
            return
        one = _select(middle, "A", "a", found)
        two = _select(right, "B", "b", [value for value in found if value != one])
        rows = queries.paired_runs(
            store, project, evaluator, version, column, one, two, items, *span
        )
        pairs = "questions that both were asked"
    if items[0]:
        pairs += f" of data set {items[0]}"
    _result(store, project, rows, pairs, (one, two))


def _items(where: Any, store: Store, project: str) -> tuple[str, str]:
    """(a data set, the draft of its newest version) where one is chosen: its questions alone."""
    names = [row["dataset"] for row in queries.dataset_names(store, project)]
    name = _select(where, "Questions", "dataset", [EVERY, *names])
    if name == EVERY:
        return "", ""
    return name, str(queries.dataset_versions(store, project, name)[0]["draft"])


def _select(where: Any, label: str, name: str, choice: Sequence[str]) -> str:
    said = st.query_params.get(name, choice[0])
    index = list(choice).index(said) if said in choice else 0
    found = str(where.selectbox(label, choice, index=index))
    st.query_params[name] = found
    return found


def _result(
    store: Store, project: str, rows: Sequence[dict[str, Any]], pairs: str, names: tuple[str, str]
) -> None:
    if not rows:
        st.info(f"There are no {pairs} in this time: a paired comparison needs some.")
        return
    a, b = (np.array([row[name] for row in rows], float) for name in ("a", "b"))
    found = compare(a, b, [row["session_id"] or row["trace_id"] for row in rows])
    tiles = st.columns(4)
    for tile, letter, name, mean in zip(
        tiles, "AB", names, (found.mean_a, found.mean_b), strict=False
    ):
        tile.metric(letter, f"{mean:.3f}")
        tile.caption(literal(visible(name, 80)))
    tiles[2].metric("B less A", f"{found.difference:+.3f}")
    tiles[3].metric("p-value", f"{found.p_value:.4f}")
    if math.isfinite(found.low):
        tiles[2].caption(f"95%: {found.low:+.3f} to {found.high:+.3f}")
    st.markdown(
        literal(f"{found.items:,} {visible(pairs, 200)}, {found.units:,} independent units. B is"
                f" higher in {found.wins:,}, lower in {found.losses:,}, the same in"
                f" {found.ties:,}.")
    )  # fmt: skip
    st.caption("The p-value is of a paired randomisation test that flips whole units; it is of this"
               " one comparison, and many looks need a stricter level.")  # fmt: skip
    config = st.column_config
    worst = sorted(rows, key=lambda row: row["b"] - row["a"])[:50]
    asked = trace.previews(store, project, [row["trace_id"] for row in worst], "input")
    st.subheader("Where B is lowest beside A")
    st.dataframe(
        pd.DataFrame(
            {
                "A's trace": trace_link(project, row["trace_id"]),
                "B's trace": trace_link(project, row["other_id"]),
                "question": visible(asked.get(row["trace_id"], ""), 200),
                "A": row["a"],
                "B": row["b"],
                "B less A": row["b"] - row["a"],
            }
            for row in worst
        ),
        hide_index=True,
        column_config={
            **{f"{side}'s trace": config.LinkColumn(display_text="open", width=80)
               for side in "AB"},
            "question": config.TextColumn(width=380),
            **{name: config.NumberColumn(format=form) for name, form in
               (("A", "%.3f"), ("B", "%.3f"), ("B less A", "%+.3f"))},
        },
    )  # fmt: skip
