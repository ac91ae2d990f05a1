"""Is it still good? What is open first, then traffic, quality and health, and what it costs."""

from __future__ import annotations

from functools import partial

import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import costs, findings, health, rejections, spans
from schemas.queries import traffic as asked
from ui import clock, money, period
from ui.connection import ahead
from ui.overview import opened, quality, traffic, wellbeing
from ui.plain import visible


def render(store: Store, project: str) -> None:
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.title("Overview")
    start, end = period.chosen(store, project, right, default=24)
    _ahead(store, project, start, end)
    open_ones = opened.show(store, project)
    broken = {str(f["signal"]): int(str(f["onset_ms"])) for f in reversed(open_ones)}
    traffic.show(store, project, start, end)
    versions = health.newest_versions(store, project)
    found = quality.show(store, project, versions, start, end, broken)
    newest = spans.newest(store, project)
    wellbeing.show(store, project, versions, found, newest)
    _costs(store, project, start, end)
    _refused(store, project)


def _ahead(store: Store, project: str, start: int, end: int) -> None:
    """Ask for all of the page at once."""
    whole = (2 * start - end, end)

    def judged() -> None:
        versions = health.newest_versions(store, project)
        quality.summaries(store, project, versions, start, end)

    ahead(
        store, judged,
        lambda: quality.course(store, project, "", "", start, end),
        *(
            partial(ask, store, project, start, end, whole)
            for ask in (asked.traffic, asked.cost_interval)
        ),
        partial(costs.by_model, store, project, start, end),
        *(
            partial(ask, store, project)
            for ask in (findings.list_findings, findings.list_deliveries, health.ingest,
                        rejections.list_rejections)
        ),
    )  # fmt: skip


def _costs(store: Store, project: str, start: int, end: int) -> None:
    rows = costs.by_model(store, project, start, end)
    if not rows:
        return
    st.subheader("Cost by model")
    st.dataframe(
        {
            "model": [visible(row["model"], 200) for row in rows],
            "provider": [visible(row["provider"], 200) for row in rows],
            "calls": [row["calls"] for row in rows],
            "input tokens": [row["input_tokens"] for row in rows],
            "of them cached": [row["cache_read_tokens"] for row in rows],
            "output tokens": [row["output_tokens"] for row in rows],
            "cost": [money.said(row["cost_usd"], row["unpriced"] < row["calls"]) for row in rows],
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
            "reason": [visible(row["reason"], 300) for row in rows],
            "sent by": [visible(row["sdk"], 200) for row in rows],
            "items": [row["items"] for row in rows],
            "last seen": [clock.local(row["last_ms"] * 10**6) for row in rows],
            "sample": [visible(row["sample"], 2000) for row in rows],
        },
        hide_index=True, column_config={"last seen": clock.column("last seen")},
    )  # fmt: skip
