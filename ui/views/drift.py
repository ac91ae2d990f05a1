"""Drift: each signal day by day with its number of sessions, whole and by segment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from schemas import control
from schemas.clickhouse import Store
from schemas.control import ControlError, MonitorPolicy
from schemas.estimates.change import change, say
from schemas.queries import courses, findings, scores, streams
from schemas.queries.traces import SEGMENT_COLUMNS
from ui import clock, vega
from ui.connection import ahead
from ui.data import literal
from ui.drifting import plane, shapes, subjects
from ui.plain import visible

EXTRA = ("language", "user_group", "tool")
DAY_NS = 86_400 * 10**9
DAYS = 60
RECENT = 7
BY = ["", *SEGMENT_COLUMNS, *EXTRA]
HISTORY = 14  # days of which monitors need that many before they judge a stream
POWERS = {"latency": "ms", "cost": "USD a trace", "output_length": "characters",
          "input_length": "characters", "output_tokens": "tokens", "first_token": "ms"}  # fmt: skip


def render(store: Store, project: str) -> None:
    st.title("Drift")
    try:
        policy = control.read(store).monitor
    except ControlError as error:
        st.error(literal(f"Control state cannot be used: {error}"))
        return
    today = int(datetime.now(UTC).timestamp()) * 10**9 // DAY_NS
    window = ((today - DAYS) * DAY_NS, (today + 1) * DAY_NS)
    newest = {row["evaluator"]: row["version"] for row in scores.evaluators(store, project)}
    signals = [*newest, *streams.TRAFFIC]
    left, right = st.columns(2)
    wanted = st.query_params.get("signal", signals[0])
    index = signals.index(wanted) if wanted in signals else 0
    signal = left.selectbox("Signal", signals, index=index)
    st.query_params["signal"] = signal
    shown = right.selectbox("By", BY, format_func=lambda name: name or "all traffic", key="by")
    version, field = newest.get(signal, ""), plane.field()
    ahead(
        store, lambda: _rows(store, project, signal, version, shown, window),
        lambda: shapes.values(store, project, signal, version),
        lambda: plane.sample(store, project, field),
        partial(findings.list_findings, store, project),
    )  # fmt: skip
    mine = _rows(store, project, signal, version, shown, window)
    column = "mean"
    if not mine:
        st.info(f"No value of this signal in the last {DAYS} days.")
        return
    vega.draw(chart(mine, column, signal, _onsets(store, project, signal)))
    days = len({row["day"] for row in mine})
    st.caption(_words(policy, days))
    st.caption(literal(_compared(mine, signal)))
    st.dataframe(_table(mine, column, signal), hide_index=True)
    shapes.show(store, project, signal, version)
    plane.show(store, project, subjects.show(store, project))


def _rows(
    store: Store, project: str, signal: str, version: str, column: str, window: tuple[int, int]
) -> list[dict[str, Any]]:
    """By day and value of a column: day, value, mean, half (of its 95% interval), sessions."""
    if column in EXTRA:  # told by every text, or by attributes: all streams are read at once
        read = (streams.scores_by_day(store, project, signal, version, *window) if version
                else streams.traffic_by_day(store, project, *window))  # fmt: skip
        name = "mean" if version else signal
        return [{**row, "mean": row[name], "half": math.nan} for row in read
                if row["column"] == column and math.isfinite(row[name])]  # fmt: skip
    if version:
        found = courses.course(store, project, signal, version, *window, 86_400, column)
    else:
        found = courses.traffic(store, project, signal, *window, 86_400, column)
    return [
        {"day": row.start_ns // DAY_NS, "value": row.group, "mean": row.mean, "half": row.half,
         "sessions": row.units}
        for row in found if row.group or not column
    ]  # fmt: skip


def _compared(rows: Sequence[dict[str, Any]], signal: str) -> str:
    """The last RECENT days beside those before them, of the first segment that is shown; a verdict
    of 'no change' names what would have been seen."""
    first = rows[0]["value"]
    mine = [row for row in rows if row["value"] == first]
    last = max(row["day"] for row in mine)
    old, new = (
        [row["mean"] for row in mine if (row["day"] > last - RECENT) == late]
        for late in (False, True)
    )
    unit = " (in log10)" if signal in streams.LOGARITHMS else ""
    return f"Last {RECENT} days, {first or 'all traffic'}{unit}: {say(change(old, new))}"


def _words(policy: MonitorPolicy, days: int) -> str:
    if days < HISTORY:
        return (
            f"{days} days: uncalibrated. From {HISTORY} days on every signal and segment is watched"
            f" at {policy.false_alarms:g} false alarms in 30 days over all of them together."
        )
    return (
        f"Watched by hours and days at {policy.false_alarms:g} false alarms in 30 days over all"
        f" signals and segments of the project; a change of under {policy.points:g} points, or of"
        f" a factor under {1 + policy.factor:g}, counts as none. Points are means over traces with"
        " 95% intervals by session, of which monitors let each count once; a dashed line is a"
        " finding."
    )


def _value(value: float, signal: str) -> float:
    return 10**value - (1e-6 if signal == "cost" else 1) if signal in POWERS else value


def _onsets(store: Store, project: str, signal: str) -> list[int]:
    return [f["onset_ms"] for f in findings.list_findings(store, project) if f["signal"] == signal]


def chart(
    rows: Sequence[dict[str, Any]], column: str, signal: str, onsets: Sequence[int]
) -> vega.Spec:
    frame = pd.DataFrame(
        {
            "UTC": datetime.fromtimestamp(row["day"] * 86_400, UTC).strftime("%Y-%m-%d"),
            "time": datetime.fromtimestamp(row["day"] * 86_400 + 43_200, UTC),
            "mean": _value(row[column], signal),
            "low": _value(row[column] - row["half"], signal),
            "high": _value(row[column] + row["half"], signal),
            "sessions": row["sessions"],
            "segment": visible(row["value"], 100) or "all traffic",
        }
        for row in rows
    )
    unit = POWERS.get(signal)
    several = frame["segment"].nunique() > 1
    time = vega.of("time:T", title="middle of the day (UTC)", scale={"type": "utc"})
    colour = vega.of("segment:N", title=None, legend={"orient": "top"} if several else None)
    title = f"{signal}, {unit} (geometric mean)" if unit else signal
    low, mean = (vega.of(f, title=title, scale={"zero": False}) for f in ("low:Q", "mean:Q"))
    day = vega.of("UTC:N", title="day (UTC)")
    told = vega.tips(day, "segment:N", "mean:Q", "low:Q", "high:Q", "sessions:Q")
    layers = [
        vega.layer({"type": "rule", "opacity": 0.6}, x=time, y=low,
                   y2={"field": "high"}, color=colour, tooltip=told),
        vega.layer({"type": "line", "point": True}, x=time, y=mean, color=colour, tooltip=told),
    ]  # fmt: skip
    frames = {"rows": frame}
    if onsets:
        at = [datetime.fromtimestamp(onset / 1000, UTC) for onset in onsets]
        frames["onsets"] = pd.DataFrame({
            "time": at, "began": [clock.said(onset * 10**6) for onset in onsets],
            "UTC": [clock.utc(onset * 10**6) for onset in onsets],
        })  # fmt: skip
        layers.append(vega.layer(
            {"type": "rule", "color": "#c92a2a", "strokeDash": [5, 4]}, "onsets", x=time,
            tooltip=vega.tips("began:N", "UTC:N"),
        ))  # fmt: skip
    return vega.chart(frames, layers, 300)


def _table(rows: Sequence[dict[str, Any]], column: str, signal: str) -> pd.DataFrame:
    segments: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        segments.setdefault(visible(row["value"], 100) or "all traffic", []).append(row)
    return pd.DataFrame(
        {
            "segment": name,
            "days": len(mine),
            "sessions a day": round(sum(r["sessions"] for r in mine) / len(mine)),
            "first day": round(_value(mine[0][column], signal), 4),
            "last day": round(_value(mine[-1][column], signal), 4),
        }
        for name, mine in segments.items()
    )
