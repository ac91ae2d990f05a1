"""Charts of means with their intervals. Colours: Okabe and Ito (2008), told apart by all eyes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from ui.charts import WHEN, in_zone
from ui.quality import Mean

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"]
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]


def lines(frame: pd.DataFrame, zone: str) -> Any:
    """Means over time with their 95% bands, a colour and a shape for each group."""
    shown = in_zone(frame)
    base = alt.Chart(shown).encode(
        x=alt.X("time:T", title=f"time ({zone})"),
        color=alt.Color("group:N", title=None, sort=None, scale=alt.Scale(range=COLOURS),
                        legend=alt.Legend(orient="top", labelLimit=400)),
    )  # fmt: skip
    mean = alt.Y("low:Q", title="mean, 95% interval", scale=alt.Scale(zero=False))
    band = base.mark_area(opacity=0.15).encode(y=mean, y2="high:Q")
    shape = alt.Shape("group:N", title=None, sort=None, scale=alt.Scale(range=SHAPES))
    line = base.mark_line().encode(y="mean:Q")
    points = base.mark_point(filled=True, size=45).encode(
        y="mean:Q", shape=shape, tooltip=["group", WHEN, "UTC", "mean", "low", "high", "n"]
    )
    return alt.layer(band, line, points).properties(height=280)


def means(rows: Sequence[Mean], title: str) -> Any:
    """A dot and its interval for each."""
    frame = pd.DataFrame(
        {"name": f"{row.name} (n={row.n:,})", "mean": row.mean, "low": row.low, "high": row.high,
         "n": row.n}
        for row in rows
    )  # fmt: skip
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=320)),
        tooltip=["name", "mean", "low", "high", "n"],
    )
    scale = alt.Scale(zero=False)
    bar = base.mark_rule(color=COLOURS[0], strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=scale), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=70, color=COLOURS[0], opacity=1).encode(x="mean:Q")
    return alt.layer(bar, dot).properties(height=alt.Step(30))


def reliability(rows: Sequence[dict[str, float]]) -> Any:
    """The share that people call good against the judge's score; the diagonal is a judge whose
    scores are probabilities."""
    straight = alt.Chart(pd.DataFrame({"x": [0, 1], "y": [0, 1]})).mark_line(
        strokeDash=[4, 4], color="#868e96"
    ).encode(x="x:Q", y="y:Q")  # fmt: skip
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("score:Q", title="judge's score (mean of its tenth)",
                scale=alt.Scale(domain=[0, 1])),
        tooltip=["score", "share", "low", "high", "n"],
    )  # fmt: skip
    bar = base.mark_rule(color=COLOURS[0]).encode(
        y=alt.Y("low:Q", title="people say good (95%)", scale=alt.Scale(domain=[0, 1])),
        y2="high:Q",
    )
    dot = base.mark_point(filled=True, size=70, color=COLOURS[0], opacity=1).encode(y="share:Q")
    return alt.layer(straight, bar, dot).properties(height=280)
