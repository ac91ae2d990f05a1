"""Altair charts: hourly means with intervals, and a trace's waterfall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from schemas.models import Observation
from ui.data import interval, moment

HOUR = 3600 * 10**9
LINES = ["#3b5bdb", "#868e96"]  # what is looked at, and the rest
KINDS = {
    "LLM": "#3b5bdb", "RETRIEVER": "#0c8599", "CHAIN": "#868e96", "TOOL": "#e8590c",
    "AGENT": "#9c36b5", "EMBEDDING": "#2f9e44", "RERANKER": "#66a80f", "GUARDRAIL": "#f08c00",
    "SPAN": "#adb5bd",
}  # fmt: skip


def hourly(rows: Sequence[Observation], hours: int = 2, group: str = "all traffic") -> pd.DataFrame:
    """Per window: its middle, mean, low, high, n, group."""
    windows: dict[int, list[Observation]] = {}
    for row in rows:
        windows.setdefault(row.time // (hours * HOUR), []).append(row)
    found = []
    for window, mine in sorted(windows.items()):
        mean, half = interval(mine)
        middle = window * hours * HOUR + hours * HOUR // 2
        found.append({"time": moment(middle), "mean": mean, "low": mean - half,
                      "high": mean + half, "n": len(mine), "group": group})  # fmt: skip
    columns = ["time", "mean", "low", "high", "n", "group"]
    return pd.DataFrame(found, columns=columns)


def trend(frame: pd.DataFrame, onset_ms: int | None = None) -> Any:
    """Means as lines with their 95% band per group; a rule at the onset."""
    base = alt.Chart(frame).encode(
        x=alt.X("time:T", title=None),
        color=alt.Color(
            "group:N",
            title=None,
            sort=None,
            scale=alt.Scale(range=LINES),
            legend=alt.Legend(orient="top", labelLimit=600),
        ),
    )
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low:Q", title="mean, 95% interval", scale=alt.Scale(zero=False)), y2="high:Q"
    )
    line = base.mark_line(point=True).encode(
        y="mean:Q", tooltip=["time", "mean", "low", "high", "n"]
    )
    layers = [band, line]
    if onset_ms is not None:
        at = pd.DataFrame({"time": [moment(onset_ms * 10**6)]})
        layers.append(
            alt.Chart(at).mark_rule(color="#c92a2a", strokeDash=[5, 4]).encode(x="time:T")
        )
    return alt.layer(*layers).properties(height=260)


def waterfall(spans: Sequence[dict[str, Any]]) -> Any:
    """Spans as bars over time in ms from the trace's start, coloured by kind."""
    start = min(s["start_ns"] for s in spans)
    frame = pd.DataFrame(
        {
            "span": f"{n + 1}. {s['name']}",
            "from": (s["start_ns"] - start) / 1e6,
            "to": (s["start_ns"] - start + s["duration_ns"]) / 1e6,
            "kind": s["kind"] if s["kind"] in KINDS else "SPAN",
            "ms": s["duration_ns"] / 1e6,
        }
        for n, s in enumerate(spans)
    )
    return (
        alt.Chart(frame)
        .mark_bar(cornerRadius=3)
        .encode(
            x=alt.X("from:Q", title="ms from the start"),
            x2="to:Q",
            y=alt.Y("span:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())),
                legend=alt.Legend(orient="top", values=sorted(set(frame["kind"]))),
            ),
            tooltip=["span", "kind", "ms"],
        )
        .properties(height=alt.Step(28))
    )
