"""Altair charts: means of blocks of time with intervals, and distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from schemas.queries.courses import Block
from ui.data import moment, zone

HOUR = 3600 * 10**9
WHEN = alt.Tooltip("time:T", title="time", format="%Y-%m-%d %H:%M")
LINES = ["#3b5bdb", "#868e96"]  # what is looked at, and the rest
SIDES = ["#1c7ed6", "#e8590c"]  # blue and orange: told apart without red and green
KINDS = {
    "LLM": "#3b5bdb", "RETRIEVER": "#0c8599", "CHAIN": "#868e96", "TOOL": "#e8590c",
    "AGENT": "#9c36b5", "EMBEDDING": "#2f9e44", "RERANKER": "#66a80f", "GUARDRAIL": "#f08c00",
    "SPAN": "#adb5bd",
}  # fmt: skip


def blocks(rows: Sequence[Block], group: str = "all traffic") -> pd.DataFrame:
    """Per block: its middle, mean, low, high, n, group."""
    found = [
        {"time": moment(row.start_ns + row.width_ns // 2), "mean": row.mean,
         "low": row.mean - row.half, "high": row.mean + row.half, "n": row.n, "group": group}
        for row in rows
    ]  # fmt: skip
    return pd.DataFrame(found, columns=["time", "mean", "low", "high", "n", "group"])


def trend(frame: pd.DataFrame, onset_ms: int | None = None) -> Any:
    """Means as lines with their 95% band per group, in the viewer's zone; a rule at the onset."""
    name = zone()[1]
    several = frame["group"].nunique() > 1
    frame = in_zone(frame)
    base = alt.Chart(frame).encode(
        x=alt.X("time:T", title=f"time ({name})"),
        color=alt.Color(
            "group:N",
            title=None,
            sort=None,
            scale=alt.Scale(range=LINES),
            legend=alt.Legend(orient="top", labelLimit=600) if several else None,
        ),
    )
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low:Q", title="mean, 95% interval", scale=alt.Scale(zero=False)), y2="high:Q"
    )
    line = base.mark_line(point=True).encode(
        y="mean:Q", tooltip=[WHEN, "UTC", "mean", "low", "high", "n"]
    )
    layers = [band, line]
    if onset_ms is not None:
        at = in_zone(pd.DataFrame({"time": [moment(onset_ms * 10**6)]}))
        rule = alt.Chart(at).mark_rule(color="#c92a2a", strokeDash=[5, 4])
        layers.append(rule.encode(x="time:T", tooltip=[WHEN, "UTC"]))
    return alt.layer(*layers).properties(height=260)


def in_zone(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its times as the viewer's clock shows them (a chart knows no zones), and as
    UTC in words for the tooltip."""
    at = pd.to_datetime(frame["time"], utc=True)
    return frame.assign(
        time=at.dt.tz_convert(zone()[0]).dt.tz_localize(None),
        UTC=at.dt.strftime("%Y-%m-%d %H:%M UTC"),
    )


def two_histograms(
    before: Sequence[float], after: Sequence[float], names: tuple[str, str], bins: int = 20
) -> Any:
    """Shares of both samples by value, beside each other in the same bins."""
    values = [*before, *after]
    low, high = min(values), max(values)
    width = (high - low) / bins or 1.0
    rows = []
    for sample, label in zip((before, after), names, strict=True):
        counts = [0] * bins
        for value in sample:
            counts[min(bins - 1, int((value - low) / width))] += 1
        rows += [
            {"from": low + n * width, "to": low + (n + 1) * width, "share": count / len(sample),
             "n": count, "sample": f"{label} (n {len(sample):,})"}
            for n, count in enumerate(counts)
        ]  # fmt: skip
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar(opacity=0.55)
        .encode(
            x=alt.X("from:Q", title="value", bin="binned"),
            x2="to:Q",
            y=alt.Y("share:Q", stack=None, title="share", axis=alt.Axis(format="%")),
            color=alt.Color("sample:N", title=None, sort=None, legend=alt.Legend(orient="top"),
                            scale=alt.Scale(range=SIDES)),
            tooltip=["sample", "from", "to", "n", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(height=240)
    )  # fmt: skip
