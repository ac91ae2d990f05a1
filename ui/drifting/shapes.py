"""A signal's distribution in a reference and in the current period."""

from __future__ import annotations

import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import courses, spans, streams
from ui import charts, clock, vega

DAY_NS = 86_400 * 10**9
CURRENT, LONGEST = 7, 28  # days


def values(
    store: Store, project: str, signal: str, version: str
) -> tuple[int, list[float], list[float]]:
    """(when the current period begins (ns, 0 for a project without spans), values before, values
    since) of a signal; `version` of the evaluator whose signal it is, '' for one of traffic."""
    first, last = spans.time_range(store, project)
    if not last:
        return 0, [], []
    whole = min(LONGEST * DAY_NS, last + 1 - first)
    start, end = last + 1 - whole, last + 1
    split = end - min(CURRENT * DAY_NS, whole // 2)
    if version:
        (_, before), (_, after) = courses.values(
            store, project, signal, version, start, end, split, counted=False
        )
        return split, before, after
    return split, *courses.traffic_values(store, project, signal, start, end, split)


def show(store: Store, project: str, signal: str, version: str) -> None:
    """Draw `values`."""
    split, before, after = values(store, project, signal, version)
    if not split:
        return
    logs = not version and signal in streams.LOGARITHMS
    st.subheader("Reference against current")
    if min(len(before), len(after)) < 5:
        st.info("Too few traces on one side to show a distribution.")
        return
    st.caption(
        f"Current is since {clock.said(split, '%m-%d %H:%M')}, the reference up to {LONGEST} days"
        f" before it.{' The scale is log10.' if logs else ''} Shown, not tested: what is tested is"
        " the course by day above.",
        help=clock.utc(split),
    )
    vega.draw(charts.two_histograms(before, after, ("reference", "current")))
