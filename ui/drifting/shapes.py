"""A signal's distribution in a reference and in the current period."""

from __future__ import annotations

import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import courses, spans, streams
from ui import charts, clock, vega

DAY_NS = 86_400 * 10**9
CURRENT, LONGEST = 7, 28  # days


def show(store: Store, project: str, signal: str, version: str) -> None:
    """`version` of the evaluator whose signal it is, '' for a signal of traffic."""
    first, last = spans.time_range(store, project)
    if not last:
        return
    whole = min(LONGEST * DAY_NS, last + 1 - first)
    split = last + 1 - min(CURRENT * DAY_NS, whole // 2)
    logs = False
    if version:
        (_, before), (_, after) = courses.values(
            store, project, signal, version, last + 1 - whole, last + 1, split, counted=False
        )
    else:
        logs = signal in streams.LOGARITHMS
        before, after = courses.traffic_values(
            store, project, signal, last + 1 - whole, last + 1, split
        )
    st.subheader("Reference against current")
    if min(len(before), len(after)) < 5:
        st.info("Too few traces on one side to show a distribution.")
        return
    st.caption(
        f"Current is since {clock.said(split, '%m-%d %H:%M')}, the reference up to {LONGEST} days"
        f" before it.{' The scale is log10.' if logs else ''} Shown, not tested: what is tested is"
        " the course by day above."
    )
    vega.draw(charts.two_histograms(before, after, ("reference", "current")))
