"""Charts of means with their intervals. Colours: Okabe and Ito (2008), told apart by all eyes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ui import vega
from ui.charts import WHEN, in_zone
from ui.quality import Mean

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"]
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
DOT = {"type": "point", "filled": True, "size": 70, "color": COLOURS[0], "opacity": 1}


def lines(frame: pd.DataFrame, zone: str) -> vega.Spec:
    """Means over time with their 95% bands, a colour and a shape for each group."""
    colour = vega.of("group:N", title=None, sort=None, scale={"range": COLOURS},
                     legend={"orient": "top", "labelLimit": 400})  # fmt: skip
    shape = vega.of("group:N", title=None, sort=None, scale={"range": SHAPES})
    mean = vega.of("low:Q", title="mean, 95% interval", scale={"zero": False})
    told = vega.tips("group:N", WHEN, "UTC:N", "mean:Q", "low:Q", "high:Q", "n:Q")
    layers = [
        vega.layer({"type": "area", "opacity": 0.15}, y=mean, y2={"field": "high"}),
        vega.layer("line", y=vega.of("mean:Q")),
        vega.layer({"type": "point", "filled": True, "size": 45}, y=vega.of("mean:Q"),
                   shape=shape, tooltip=told),
    ]  # fmt: skip
    time = vega.of("time:T", title=f"time ({zone})")
    return vega.chart(in_zone(frame), layers, 280, x=time, color=colour)


def means(rows: Sequence[Mean], title: str) -> vega.Spec:
    """A dot and its interval for each."""
    frame = pd.DataFrame(
        {"name": f"{row.name} (n={row.n:,})", "mean": row.mean, "low": row.low, "high": row.high,
         "n": row.n}
        for row in rows
    )  # fmt: skip
    low = vega.of("low:Q", title=title, scale={"zero": False})
    layers = [
        vega.layer({"type": "rule", "color": COLOURS[0], "strokeWidth": 2}, x=low,
                   x2={"field": "high"}),
        vega.layer(DOT, x=vega.of("mean:Q")),
    ]  # fmt: skip
    return vega.chart(
        frame, layers, {"step": 30},
        y=vega.of("name:N", sort=None, title=None, axis={"labelLimit": 320}),
        tooltip=vega.tips("name:N", "mean:Q", "low:Q", "high:Q", "n:Q"),
    )  # fmt: skip


def reliability(rows: Sequence[dict[str, float]]) -> vega.Spec:
    """The share that people call good against the judge's score; the diagonal is a judge whose
    scores are probabilities."""
    whole = {"domain": [0, 1]}
    told = vega.tips("score:Q", "share:Q", "low:Q", "high:Q", "n:Q")
    score = vega.of("score:Q", title="judge's score (mean of its tenth)", scale=whole)
    share = vega.of("low:Q", title="people say good (95%)", scale=whole)
    frames = {
        "rows": pd.DataFrame(rows), "straight": pd.DataFrame({"x": [0, 1], "y": [0, 1]}),
    }  # fmt: skip
    layers = [
        vega.layer({"type": "line", "strokeDash": [4, 4], "color": "#868e96"}, "straight",
                   x=vega.of("x:Q"), y=vega.of("y:Q")),
        vega.layer({"type": "rule", "color": COLOURS[0]}, x=score, y=share, y2={"field": "high"},
                   tooltip=told),
        vega.layer(DOT, x=score, y=vega.of("share:Q"), tooltip=told),
    ]  # fmt: skip
    return vega.chart(frames, layers, 280)
