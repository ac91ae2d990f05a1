"""Canary runs of a judge on the Quality page: whether it still says what it said of fixed rows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import canary
from ui import vega
from ui.charts import WHEN, in_zone
from ui.data import in_utc, local, moment, time_column, zone
from ui.figures import COLOURS

SAID = {
    "null": "repeat, for its own spread",
    "good": "no shift shown",
    "changed": "within the margin",
    "drifted": "beyond the margin",
    "failed": "over 10% of rows failed",
}
Row = Mapping[str, Any]


def warn(store: Store, evaluator: str, version: str) -> None:
    """A line where scores are in doubt: since the last good run of a judge that drifted."""
    since = canary.doubtful_since(store, evaluator, version)
    if since:
        st.warning(
            f"Scores of this version since {local(since * 10**6)}"
            f" ({in_utc(since * 10**6)}) are in doubt: its canaries"
            " drifted or failed after that (Canaries, below).",
            icon=":material/warning:",
        )


def show(store: Store, evaluator: str, version: str) -> None:
    """The runs of a version, newest first; nothing where there was none."""
    rows = canary.runs(store, evaluator, version)
    if not rows:
        return
    st.subheader("Canaries")
    compared = [row for row in rows if not math.isnan(row["shift"])]
    if compared:
        vega.draw(shifts(compared))
        st.caption(
            "Shift of the mean over the same rows against the first runs, 99% interval;"
            " `detectable` is the smallest that would be seen four times in five."
        )
    st.dataframe(
        pd.DataFrame([_line(row) for row in reversed(rows)]), hide_index=True,
        column_config={"time": time_column("time", "YYYY-MM-DD HH:mm")},
    )  # fmt: skip


def _line(row: Row) -> dict[str, Any]:
    known = not math.isnan(row["shift"])
    return {
        "time": moment(int(row["ran_ms"]) * 10**6),
        "verdict": row["verdict"],
        "meaning": SAID.get(row["verdict"], ""),
        "rows": row["items"],
        "errors": row["errors"],
        "mean": round(row["mean"], 3),
        "shift": f"{row['shift']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})" if known else "",
        "detectable": round(row["detectable"], 3) if known else None,
        "models": ", ".join(json.loads(row["models"])),
    }


def shifts(rows: Sequence[Row]) -> vega.Spec:
    frame = in_zone(
        pd.DataFrame(
            {"time": moment(int(row["ran_ms"]) * 10**6), "verdict": row["verdict"],
             "shift": row["shift"], "low": row["low"], "high": row["high"], "n": row["items"]}
            for row in rows
        )
    )  # fmt: skip
    time = vega.of("time:T", title=f"time ({zone()[1]})")
    told = vega.tips(WHEN, "UTC:N", "verdict:N", "shift:Q", "low:Q", "high:Q", "n:Q")
    layers = [
        vega.layer({"type": "rule", "color": "#868e96", "strokeDash": [4, 4]}, "zero",
                   y=vega.of("y:Q")),
        vega.layer({"type": "rule", "color": COLOURS[0], "strokeWidth": 2}, x=time,
                   y=vega.of("low:Q", title="shift, 99% interval"), y2={"field": "high"},
                   tooltip=told),
        vega.layer({"type": "point", "filled": True, "size": 60, "color": COLOURS[0], "opacity": 1},
                   x=time, y=vega.of("shift:Q"), shape=vega.of("verdict:N", title=None),
                   tooltip=told),
    ]  # fmt: skip
    return vega.chart({"rows": frame, "zero": pd.DataFrame({"y": [0.0]})}, layers, 200)
