"""Charts: means of blocks of time with intervals, and distributions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from schemas.queries.courses import Block
from ui import vega
from ui.data import moment, zone

HOUR = 3600 * 10**9
WHEN = vega.of("time:T", title="time", format="%Y-%m-%d %H:%M")
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


def trend(frame: pd.DataFrame, onset_ms: int | None = None) -> vega.Spec:
    """Means as lines with their 95% band per group, in the viewer's zone; a rule at the onset."""
    several = frame["group"].nunique() > 1
    shown = in_zone(frame)
    legend = {"orient": "top", "labelLimit": 600} if several else None
    colour = vega.of("group:N", title=None, sort=None, scale={"range": LINES}, legend=legend)
    mean = vega.of("low:Q", title="mean, 95% interval", scale={"zero": False})
    told = vega.tips(WHEN, "UTC:N", "mean:Q", "low:Q", "high:Q", "n:Q")
    layers = [
        vega.layer({"type": "area", "opacity": 0.18}, y=mean, y2={"field": "high"}, color=colour),
        vega.layer({"type": "line", "point": True}, y=vega.of("mean:Q"), color=colour,
                   tooltip=told),
    ]  # fmt: skip
    frames = {"rows": shown}
    if onset_ms is not None:
        frames["onset"] = in_zone(pd.DataFrame({"time": [moment(onset_ms * 10**6)]}))
        layers.append(vega.layer(
            {"type": "rule", "color": "#c92a2a", "strokeDash": [5, 4]}, "onset",
            tooltip=vega.tips(WHEN, "UTC:N"),
        ))  # fmt: skip
    return vega.chart(frames, layers, 260, x=vega.of("time:T", title=f"time ({zone()[1]})"))


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
) -> vega.Spec:
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
    bars = vega.layer(
        {"type": "bar", "opacity": 0.55},
        x=vega.of("from:Q", title="value", bin="binned"), x2={"field": "to"},
        y=vega.of("share:Q", stack=None, title="share", axis={"format": "%"}),
        color=vega.of("sample:N", title=None, sort=None, legend={"orient": "top"},
                      scale={"range": SIDES}),
        tooltip=vega.tips("sample:N", "from:Q", "to:Q", "n:Q", vega.of("share:Q", format=".1%")),
    )  # fmt: skip
    return vega.chart(pd.DataFrame(rows), [bars], 240)
