"""Data sets: traces picked by id or search, in versions that never change, and their export."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from schemas import datasets
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.estimates.means import sums, weighted
from schemas.queries import datasets as queries
from schemas.queries import sessions, spans
from schemas.queries.traces import FILTERS
from ui import data, period
from ui.data import literal, trace_link
from ui.plain import visible
from ui.viewer import viewer

SHOWN = 200  # items of a version


def render(store: Store, project: str) -> None:
    st.title("Data sets")
    rows = queries.dataset_names(store, project)
    if said := st.session_state.pop("picked", None):
        st.success(literal(said))
    if rows:
        names = [row["dataset"] for row in rows]
        wanted = st.query_params.get("dataset", names[0])
        left, right = st.columns([4, 1])
        name = str(
            left.selectbox("Data set", names, index=names.index(wanted) if wanted in names else 0)
        )
        st.query_params["dataset"] = name
        _version(store, project, name, right)
    else:
        st.info("No data set yet. An editor picks traces into one below; their content is copied,"
                " so they outlast retention.")  # fmt: skip
    if viewer().may("editor"):
        _pick(store, project, str(st.query_params.get("dataset", "")))


def _version(store: Store, project: str, name: str, where: Any) -> None:
    versions = queries.dataset_versions(store, project, name)
    numbers = [row["number"] for row in versions]
    said = st.query_params.get("version", "")
    index = numbers.index(int(said)) if said.isdecimal() and int(said) in numbers else 0
    chosen = versions[
        where.selectbox(
            "Version", range(len(versions)), index=index, format_func=lambda n: str(numbers[n])
        )
    ]
    st.query_params["version"] = str(chosen["number"])
    note = f": {chosen['note']}" if chosen["note"] else ""
    st.caption(literal(f"{chosen['items']:,} items, by {chosen['author']}{note}"))
    items = queries.dataset_items(store, project, name, chosen["draft"])
    if len(items) < chosen["items"]:
        st.warning(f"{chosen['items'] - len(items)} items were deleted since, with their traces.")
    judged = sessions.session_scores(store, project, [row["trace_id"] for row in items])
    _means(items, judged)
    st.dataframe(
        pd.DataFrame(
            {
                "trace": trace_link(project, row["trace_id"]),
                "question": visible(row["input"], 300),
                "answer": visible(row["output"], 300),
                "documents": len(row["documents"]),
                **{
                    visible(name, 80): value if state == "scored" else math.nan
                    for name, state, value in judged.get(row["trace_id"], ())
                },
                **{k: v for k, v in row["metadata"].items() if k in {"model", "prompt_version"}},
            }
            for row in items[:SHOWN]
        ),
        hide_index=True,
        column_config={
            "trace": st.column_config.LinkColumn("trace", display_text="open", width=50),
            "question": st.column_config.TextColumn(width=260),
            "answer": st.column_config.TextColumn(width=220),
            **{
                visible(name, 80): st.column_config.NumberColumn(format="%.3f")
                for each in judged.values()
                for name, *_ in each
            },
        },
    )
    if len(items) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(items):,}.")
    st.download_button(
        "Export as JSON lines",
        datasets.exported(items),
        f"{name}-v{chosen['number']}.jsonl",
        "application/jsonl",
        icon=":material/download:",
        help="`assay eval EVALUATOR --input FILE` reads it",
    )


def _means(items: Sequence[Mapping[str, Any]], judged: Mapping[str, Sequence[Any]]) -> None:
    """Each evaluator's newest verdicts on the items: the mean, by session, and of how many."""
    found: dict[str, list[tuple[str, float]]] = {}
    for row in items:
        for name, state, value in judged.get(row["trace_id"], ()):
            if state == "scored" and math.isfinite(value):
                unit = row["session_id"] or row["trace_id"]
                found.setdefault(name, []).append((unit, value))
    if not found:
        st.caption("None of its traces has a score, or they are past their retention.")
        return
    tiles = st.columns(max(3, min(5, len(found))))
    for n, (name, values) in enumerate(sorted(found.items())):
        numbers = {unit: at for at, unit in enumerate(dict.fromkeys(unit for unit, _ in values))}
        at = np.array([numbers[unit] for unit, _ in values], float)
        mean = weighted(sums(np.array([v for _, v in values]), np.ones(len(values)), at))
        tile = tiles[n % len(tiles)]
        tile.metric(literal(visible(name, 80)), f"{mean.mean:.3f}")
        tile.caption(f"95%: {mean.low:.3f} to {mean.high:.3f}; n {len(values):,} of {len(items):,}")


def _pick(store: Store, project: str, name: str) -> None:
    st.subheader("Pick traces")
    left, right = st.columns(2)
    dataset = left.text_input("Into (a new name makes a new data set)", name, key="pick-name")
    note = right.text_input("Note", key="pick-note", max_chars=200)
    how = st.radio("Which", ["By id", "By search"], horizontal=True, key="pick-how")
    if how == "By id":
        text = st.text_area("Trace ids, one or more", key="pick-ids")
        traces = re.findall(r"[0-9a-f]{32}", text.lower())
    else:
        said = st.text_input(
            "Words, and column=value", key="pick-search", help=f"Columns: {', '.join(FILTERS)}"
        )
        one, two = st.columns(2)
        start, end = period.chosen(store, project, one)
        most = int(two.number_input("At most", 1, datasets.MOST, 100, key="pick-most"))
        try:
            parts = [part.partition("=") for part in shlex.split(said)]
            where = {k: v for k, equals, v in parts if equals and k.isidentifier()}
            words = " ".join("".join(p) for p in parts if not (p[1] and p[0].isidentifier()))
            found = spans.list_traces(store, project, start, end, most, words, where)
        except ValueError as error:
            st.warning(literal(str(error)))
            return
        traces = [row["trace_id"] for row in found]
    st.caption(f"{len(traces)} traces")
    if st.button("Make a version with them", key="pick", disabled=not traces or not dataset):
        try:
            version, missing = datasets.add(
                data.fresh(store), project, dataset, traces, note, viewer().signature
            )
        except ControlError as error:
            st.error(literal(str(error)))
            return
        gone = f"; {len(missing)} are not there" if missing else ""
        st.session_state["picked"] = (
            f"Version {version.number} of {dataset} has {version.items} items{gone}."
        )
        st.query_params["dataset"] = dataset
        st.query_params.pop("version", None)
        st.rerun()
