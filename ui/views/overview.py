"""Is it still good? Findings first, then each evaluator's mean with n and interval."""

from __future__ import annotations

import json
import math
from typing import Any

import streamlit as st

from schemas.clickhouse import Store
from schemas.estimates.shares import wilson
from schemas.queries import alerting, costs, findings, rejections, scores, spans
from ui import charts, period
from ui.data import literal, moment, summary

# Name, key of `alerting.traffic`, how it is written, whether more is worse.
TILES = (
    ("Traces", "traces", "{:,.0f}", False),
    ("Failed", "error_rate", "{:.2%}", True),
    ("Latency p50", "latency_p50", "{:.2f} s", True),
    ("Latency p95", "latency_p95", "{:.2f} s", True),
    ("Cost", "cost", "$ {:,.4f}", True),
)


def render(store: Store, project: str) -> None:
    st.title("Overview")
    found = findings.list_findings(store, project)
    open_ones = [f for f in found if f["status"] == "confirmed"]
    if open_ones:
        for finding in open_ones:
            sentence = json.loads(finding["details"]).get("sentence", finding["signal"])
            st.error(literal(sentence))
    else:
        st.success("No confirmed finding.")
    first, last = spans.time_range(store, project)
    _traffic(store, project)
    rows = scores.evaluators(store, project)
    tiles = st.columns(max(2, len(rows) + 1))
    tiles[0].metric("Spans stored", f"{spans.count_spans(store, project):,}")
    seen = {}
    for tile, row in zip(tiles[1:], rows, strict=False):
        name = row["evaluator"]
        seen[name] = scores.observations(store, project, name, row["version"], first, last + 1)
        mean, wide = summary(seen[name])
        tile.metric(literal(name), mean)
        counts = f"{row['scored']} scored, {row['unscored']} unscored, {row['errors']} failed"
        tile.caption("; ".join(part for part in (wide, counts) if part))
    st.caption("Means with 95% intervals; the unit is the session.")
    broken = {f["signal"] for f in open_ones}
    for name, observations in sorted(seen.items(), key=lambda item: item[0] not in broken):
        if len(observations) > 1:
            st.subheader(literal(name))
            onset = next((f["onset_ms"] for f in open_ones if f["signal"] == name), None)
            st.altair_chart(charts.trend(charts.hourly(observations), onset))
    _costs(store, project, first, last + 1)
    _refused(store, project)


def _traffic(store: Store, project: str) -> None:
    """Volume, failures, latency and cost of a period against the one before it."""
    st.subheader("Traffic against the period before")
    start, end = period.chosen(store, project, default=24)
    now = alerting.traffic(store, project, start, end)
    was = alerting.traffic(store, project, 2 * start - end, start)
    tiles = st.columns(5)
    for tile, (name, key, form, bad) in zip(tiles, TILES, strict=True):
        value, before = _value(now, key), _value(was, key)
        change = None
        if math.isfinite(value) and math.isfinite(before) and was["traces"]:
            change = form.format(value - before)
            if change == form.format(0):
                change = None  # an arrow at nothing would look like a change
        shown = form.format(value) if math.isfinite(value) else "-"
        tile.metric(name, shown, change, delta_color="inverse" if bad else "off")
    low, high = wilson(now["errors"] / max(1, now["traces"]), now["traces"])
    st.caption(
        f"{now['traces']:,} traces, before {was['traces']:,}; failed {low:.2%} to {high:.2%} (95%,"
        " traces as units)"
    )


def _value(row: dict[str, Any], key: str) -> float:
    if key == "error_rate":
        return float(row["errors"] / row["traces"]) if row["traces"] else math.nan
    return float(row[key])


def _costs(store: Store, project: str, start: int, end: int) -> None:
    rows = costs.by_model(store, project, start, end)
    if not rows:
        return
    st.subheader("Cost by model")
    st.dataframe(
        {
            "model": [row["model"] for row in rows],
            "provider": [row["provider"] for row in rows],
            "calls": [row["calls"] for row in rows],
            "input tokens": [row["input_tokens"] for row in rows],
            "of them cached": [row["cache_read_tokens"] for row in rows],
            "output tokens": [row["output_tokens"] for row in rows],
            "cost": [
                "no price" if row["unpriced"] == row["calls"] else f"$ {row['cost_usd']:,.4f}"
                for row in rows
            ],
            "calls without a price": [row["unpriced"] for row in rows],
            "prices from": [", ".join(row["sources"]) for row in rows],
        },
        hide_index=True,
    )


def _refused(store: Store, project: str) -> None:
    rows = rejections.list_rejections(store, project)
    if not rows:
        return
    st.subheader("Refused in the last 30 days")
    st.caption("What could not be stored, by reason and sender. Samples hold names and sizes only.")
    st.dataframe(
        {
            "signal": [row["signal"] for row in rows],
            "reason": [row["reason"] for row in rows],
            "sent by": [row["sdk"] for row in rows],
            "items": [row["items"] for row in rows],
            "last seen": [moment(row["last_ms"] * 10**6) for row in rows],
            "sample": [row["sample"] for row in rows],
        },
        hide_index=True,
    )
