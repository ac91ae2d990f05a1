"""Embeddings in the plane of their two principal components, and a list of the points chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from scipy.linalg import eigh

from schemas.clickhouse import Store
from schemas.queries import maps, spans, trace
from ui import clock, links
from ui.figures import COLOURS
from ui.plain import visible

KEY = "map"
DAY_NS = 86_400 * 10**9
LISTED = 50
COLOURED = 6  # topics with a colour of their own
OTHER = "other"


def project(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """(points (n, 2), share of the variance in the plane) of vectors (n, d), by principal
    components; each points where its largest loading does, so that a map is the same twice."""
    centred = vectors - vectors.mean(axis=0)
    # Two eigenvectors of the matrix of dimensions cost a tenth of a whole decomposition.
    between = centred.T @ centred
    most = len(between) - 1
    variance, axes = eigh(between, subset_by_index=[max(0, most - 1), most])
    variance, axes = np.maximum(variance[::-1], 0.0), axes.T[::-1]
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    axes = axes * np.sign(largest)[:, None]
    points = centred @ axes.T
    if points.shape[1] < 2:
        points = np.column_stack([points, np.zeros(len(points))])
    total = float(np.trace(between))
    return points, float(variance.sum() / total) if total else 0.0


def show(store: Store, name: str, topics: Mapping[str, str] | None = None) -> None:
    """The map of a project's inputs or outputs of its last 28 days; coloured by `topics`, a label
    by trace, where there are some, else by time."""
    st.subheader("Map of texts")
    field = st.radio("Of", ["input", "output"], horizontal=True, key="field", bind="query-params")
    _, last = spans.time_range(store, name)
    held, rows = maps.embedding_sample(store, name, field, last - 28 * DAY_NS, last + 1)
    if len(rows) < 10:
        st.info("Too few embeddings in the last 28 days: evaluators make them as they judge.")
        return
    points, share = project(np.array([row["vector"] for row in rows], dtype=np.float64))
    frame = pd.DataFrame(
        {"x": points[:, 0], "y": points[:, 1], "trace": [row["trace_id"] for row in rows],
         "time": clock.locals_of(row["time_ns"] for row in rows),
         "UTC": [clock.utc(row["time_ns"]) for row in rows],
         "topic": labelled([row["trace_id"] for row in rows], topics or {})}
    )  # fmt: skip
    st.caption(
        f"{len(rows):,} of {held:,} traces, drawn by the hash of their id; the plane shows"
        f" {share:.0%} of the variance, so what lies near here may lie apart."
        f"{'' if topics else ' Darker is later.'} Drag over points to list their traces."
    )
    chosen = st.altair_chart(
        _chart(frame, bool(topics)), key=KEY, on_select="rerun", selection_mode="brush",
        alt=f"Embeddings in a plane, coloured by {'topic' if topics else 'time'}",
    )  # fmt: skip
    picked = inside(frame, dict(chosen.get("selection", {}).get("brush", {})))
    if len(picked):
        _list(store, name, field, picked)


def labelled(traces: Sequence[str], topics: Mapping[str, str]) -> list[str]:
    """The topic of each trace if it is one of the COLOURED with most of them, else OTHER."""
    known = [topics[trace] for trace in traces if trace in topics]
    most = {name for name, _ in Counter(known).most_common(COLOURED)}
    return [topics[t] if topics.get(t) in most else OTHER for t in traces]


def _chart(frame: pd.DataFrame, by_topic: bool) -> Any:
    by_time = alt.Color("time:T", scale=alt.Scale(scheme="viridis", reverse=True), title=None,
                        legend=alt.Legend(format="%m-%d %H:%M", tickCount=4))  # fmt: skip
    names = [name for name in dict.fromkeys(frame["topic"]) if name != OTHER]
    scale = alt.Scale(domain=[*names, OTHER], range=[*COLOURS[: len(names)], "#adb5bd"])
    colour = alt.Color("topic:N", scale=scale, title=None,
                       legend=alt.Legend(orient="bottom", columns=3, labelLimit=280))  # fmt: skip
    return (
        alt.Chart(frame)
        .mark_circle(size=36, opacity=0.75)
        .encode(
            x=alt.X("x:Q", title=None, axis=None),
            y=alt.Y("y:Q", title=None, axis=None),
            color=colour if by_topic else by_time,
            tooltip=[alt.Tooltip("time:T", format="%Y-%m-%d %H:%M"), "UTC", "topic", "trace"],
        )
        .add_params(alt.selection_interval(name="brush"))
        .properties(height=420)
    )


def inside(frame: pd.DataFrame, brush: dict[str, Any]) -> pd.DataFrame:
    """The points within a brush {"x": [a, b], "y": [c, d]}; none without one."""
    held = pd.Series(bool(brush), index=frame.index)
    for name in ("x", "y"):
        if name in brush:
            low, high = sorted(brush[name])
            held &= frame[name].between(low, high)
    return frame[held]


def _list(store: Store, name: str, field: str, picked: pd.DataFrame) -> None:
    some = picked.sort_values("time", ascending=False).head(LISTED)
    texts = trace.previews(store, name, list(some["trace"]), field)
    st.caption(f"{len(picked):,} traces; the newest {len(some)}")
    st.dataframe(
        pd.DataFrame(
            {
                "open": links.address("trace", name, trace=row.trace),
                "time": row.time,
                field: visible(texts.get(row.trace, ""), 200),
            }
            for row in some.itertuples()
        ),
        hide_index=True,
        column_config={
            "open": st.column_config.LinkColumn("open", display_text="open", width=60),
            "time": clock.column(),
        },
    )
