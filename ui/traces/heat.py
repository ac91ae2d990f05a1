"""Latency over time as a heat map; a stretch of time that is drawn over becomes the range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ui import clock, period

KEY = "heat"


def draw(cells: Sequence[dict[str, Any]]) -> None:
    """Cells of `schemas.queries.latency.heat`; darker is more traces, on a log scale."""
    frame = pd.DataFrame(
        {
            "from": begun, "to": begun + timedelta(microseconds=c["width"] / 1000),
            "low": c["low_ms"], "high": c["high_ms"], "traces": c["traces"],
            "failed": c["failed"], "UTC": clock.utc(c["at_ns"]),
        }
        for c, begun in zip(cells, clock.locals_of(c["at_ns"] for c in cells), strict=True)
    )  # fmt: skip
    brush = alt.selection_interval(name="brush", encodings=["x"])
    chart = (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("from:T", title=None),
            x2="to:T",
            y=alt.Y("low:Q", title="latency, ms", scale=alt.Scale(type="log"),
                    axis=alt.Axis(format="~s", tickCount=5)),
            y2="high:Q",
            color=alt.Color("traces:Q", scale=alt.Scale(type="log", scheme="viridis", reverse=True),
                            legend=alt.Legend(title="traces", format="~s", tickCount=3)),
            tooltip=["from", "UTC", "low", "high", "traces", "failed"],
        )
        .add_params(brush)
        .properties(height=170)
    )  # fmt: skip
    st.altair_chart(chart, key=KEY, on_select=_brushed, selection_mode="brush",
                    alt="Traces by start and latency")  # fmt: skip


def _brushed() -> None:
    found = st.session_state.get(KEY, {}).get("selection", {}).get("brush", {}).get("from")
    if found and len(found) == 2 and found[0] < found[1]:
        period.set_to(int(found[0] * 10**6), int(found[1] * 10**6))
