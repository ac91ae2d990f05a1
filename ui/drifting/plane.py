"""Embeddings in the plane of their two principal components, and a list of the points chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from scipy.linalg import eigh

from schemas.clickhouse import Store
from schemas.queries import maps, spans, trace
from ui import clock, links
from ui.data import zone
from ui.figures import COLOURS
from ui.plain import visible

KEY = "map"
FIELDS = ("input", "output")
DAY_NS = 86_400 * 10**9
LISTED = 50
COLOURED = 6  # topics with a colour of their own
OTHER, GREY = "other", "#adb5bd"


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


def field() -> str:
    """Which texts the address asks for."""
    said = st.query_params.get("field", FIELDS[0])
    return said if said in FIELDS else FIELDS[0]


def sample(store: Store, name: str, of: str) -> tuple[int, list[dict[str, Any]]]:
    """As `maps.embedding_sample`, of a project's last 28 days."""
    last = spans.newest(store, name)
    return maps.embedding_sample(store, name, of, last - 28 * DAY_NS, last + 1)


def show(store: Store, name: str, topics: Mapping[str, str] | None = None) -> None:
    """The map of a project's inputs or outputs of its last 28 days; coloured by `topics`, a label
    by trace, where there are some, else by time."""
    st.subheader("Map of texts")
    of = st.radio("Of", FIELDS, horizontal=True, key="field", bind="query-params")
    held, rows = sample(store, name, str(of))
    if len(rows) < 10:
        st.info("Too few embeddings in the last 28 days: evaluators make them as they judge.")
        return
    share, frame = placed(rows, name, str(of), zone()[1], held, len(rows), rows[0]["trace_id"])
    frame["topic"] = labelled(list(frame["trace"]), topics or {})
    st.caption(
        f"{len(rows):,} of {held:,} traces, drawn by the hash of their id; the plane shows"
        f" {share:.0%} of the variance, so what lies near here may lie apart."
        f"{'' if topics else ' Darker is later.'} Draw a line around points to list their traces."
    )
    event = st.plotly_chart(
        figure(frame, bool(topics)), key=KEY, on_select="rerun", selection_mode=("lasso", "box"),
        config={"displaylogo": False, "scrollZoom": True, "modeBarButtonsToRemove": ["toImage"]},
    )  # fmt: skip
    picked = inside(frame, event["selection"]["points"])
    if len(picked):
        _list(store, name, str(of), picked)


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def placed(
    _rows: Sequence[Mapping[str, Any]], project_name: str, of: str, shown_in: str, *key: Any
) -> tuple[float, pd.DataFrame]:
    """(share of the variance in the plane, a row for each trace) of a sample, which what follows
    tells apart: another is drawn only where embeddings were added."""
    points, share = project(np.array([row["vector"] for row in _rows], dtype=np.float64))
    times = [row["time_ns"] for row in _rows]
    return share, pd.DataFrame(
        {"x": points[:, 0], "y": points[:, 1], "trace": [row["trace_id"] for row in _rows],
         "ns": times, "time": clock.locals_of(times), "UTC": [clock.utc(ns) for ns in times]}
    )  # fmt: skip


def labelled(traces: Sequence[str], topics: Mapping[str, str]) -> list[str]:
    """The topic of each trace if it is one of the COLOURED with most of them, else OTHER."""
    known = [topics[trace] for trace in traces if trace in topics]
    most = {name for name, _ in Counter(known).most_common(COLOURED)}
    return [topics[t] if topics.get(t) in most else OTHER for t in traces]


def figure(frame: pd.DataFrame, by_topic: bool) -> dict[str, Any]:
    """A Plotly figure of the points, whose free-hand lasso is on; each has its trace as custom
    data. Plotly reads some HTML in texts, so those of traces are escaped."""
    if by_topic:
        names = [n for n in dict.fromkeys(frame["topic"]) if n != OTHER]
        colours = dict(zip([*names, OTHER], [*COLOURS[: len(names)], GREY], strict=True))
        drawn = [
            _points(frame[frame["topic"] == name], name, {"color": colour})
            for name, colour in colours.items()
        ]
    else:
        at = frame["ns"]
        ticks = np.linspace(at.min(), at.max(), 4)
        bar = {"tickvals": ticks.tolist(), "thickness": 12, "outlinewidth": 0,
               "ticktext": [f"{clock.local(int(tick)):%m-%d %H:%M}" for tick in ticks]}  # fmt: skip
        scale = {"color": at.tolist(), "colorscale": "Viridis", "reversescale": True}
        drawn = [_points(frame, "", {**scale, "colorbar": bar, "showscale": True})]
    axis = {"visible": False}
    layout = {
        "dragmode": "lasso", "xaxis": axis, "yaxis": axis, "height": 460, "showlegend": by_topic,
        "margin": {"l": 0, "r": 0, "t": 30, "b": 0}, "legend": {"orientation": "h", "y": -0.05},
    }  # fmt: skip
    return {"data": drawn, "layout": layout}


def _points(frame: pd.DataFrame, name: str, marker: dict[str, Any]) -> dict[str, Any]:
    said = [
        escape(f"{row.time:%Y-%m-%d %H:%M} ({row.UTC})") + f"<br>{escape(row.topic)}<br>{row.trace}"
        for row in frame.itertuples()
    ]
    rim = {"width": 0.6, "color": GREY}  # dark points are seen on a dark page
    return {
        "type": "scatter", "mode": "markers", "name": escape(name), "x": frame["x"].tolist(),
        "y": frame["y"].tolist(), "customdata": frame["trace"].tolist(), "text": said,
        "hoverinfo": "text", "marker": {"size": 7, "opacity": 0.75, "line": rim, **marker},
    }  # fmt: skip


def inside(frame: pd.DataFrame, points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows whose points a lasso or a box holds; none without one."""
    traces: set[str] = set()
    for point in points:
        given = point.get("customdata")
        traces.update([given] if isinstance(given, str) else given or ())
    return frame[frame["trace"].isin(traces)]


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
