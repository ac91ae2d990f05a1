"""Latency over time as a heat map; a stretch of time that is drawn over becomes the range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from ui import clock, period, vega

KEY = "heat"


def draw(cells: Sequence[dict[str, Any]]) -> None:
    """Cells of `schemas.queries.latency.latency`; darker is more traces, on a log scale."""
    frame = pd.DataFrame(
        {
            "from": begun, "to": begun + timedelta(microseconds=c["width"] / 1000),
            "low": c["low_ms"], "high": c["high_ms"], "traces": c["traces"],
            "failed": c["failed"], "UTC": clock.utc(c["at_ns"]),
        }
        for c, begun in zip(cells, clock.locals_of(c["at_ns"] for c in cells), strict=True)
    )  # fmt: skip
    st.vega_lite_chart(spec=spec(frame), key=KEY, on_select=_brushed, selection_mode="brush",
                       alt="Traces by start and latency")  # fmt: skip


def spec(frame: pd.DataFrame) -> vega.Spec:
    return {
        "data": {"name": "cells"}, "datasets": {"cells": frame}, "height": 170,
        "mark": {"type": "rect"},
        "params": [{"name": "brush", "select": {"type": "interval", "encodings": ["x"]}}],
        "encoding": {
            "x": vega.of("from:T", title=None), "x2": {"field": "to"},
            "y": vega.of("low:Q", title="latency, ms", scale={"type": "log"},
                         axis={"format": "~s", "tickCount": 5}),
            "y2": {"field": "high"},
            "color": vega.of(
                "traces:Q", scale={"type": "log", "scheme": "viridis", "reverse": True},
                legend={"title": "traces", "format": "~s", "tickCount": 3},
            ),
            "tooltip": vega.tips("from:T", "UTC:N", "low:Q", "high:Q", "traces:Q", "failed:Q"),
        },
    }  # fmt: skip


def _brushed() -> None:
    found = st.session_state.get(KEY, {}).get("selection", {}).get("brush", {}).get("from")
    if found and len(found) == 2 and found[0] < found[1]:
        period.set_to(int(found[0] * 10**6), int(found[1] * 10**6))
