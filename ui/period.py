"""The time range of a page: the last hours before the project's newest span, or from one moment to
another; in the address, so that a link shows the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import spans
from ui import clock

HOUR_NS = 3600 * 10**9
HOURS = {"1 hour": 1, "6 hours": 6, "24 hours": 24, "3 days": 72, "7 days": 168, "30 days": 720}


def chosen(store: Store, project: str, where: Any = st, default: int = 72) -> tuple[int, int]:
    """[start, end) in ns as the address or the page's select box says; (0, 1) for a project
    without spans."""
    between = said()
    if between is not None:
        with where.container(horizontal=True, vertical_alignment="bottom"):
            st.caption(f"{clock.said(between[0], '%m-%d %H:%M')} to"
                       f" {clock.said(between[1], '%m-%d %H:%M')}",
                       help=f"{clock.utc(between[0])} to {clock.utc(between[1])}")  # fmt: skip
            st.button("All", on_click=forget, help="Back to the newest hours", key="forget-period")
        return between
    last = spans.newest(store, project)
    asked = st.query_params.get("hours", str(default))
    hours = int(asked) if asked.isdecimal() and int(asked) in HOURS.values() else default
    names = list(HOURS)
    index = list(HOURS.values()).index(hours)
    hours = HOURS[where.selectbox("Last", names, index=index)]
    st.query_params["hours"] = str(hours)
    return max(0, last - hours * HOUR_NS), last + 1


def said() -> tuple[int, int] | None:
    """The two moments of the address, in ns; None where it names no range."""
    try:
        start, end = (_read(st.query_params.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return None
    return (start, end) if start < end else None


def _read(text: str) -> int:
    found = datetime.fromisoformat(text)
    known = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(known.timestamp() * 1000) * 10**6


def written(ns: int) -> str:
    """A moment as the address has it: UTC, to the second."""
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}"


def set_to(start_ns: int, end_ns: int) -> None:
    st.query_params["from"] = written(start_ns)
    st.query_params["to"] = written(end_ns + 10**9 - 1)


def forget() -> None:
    for name in ("from", "to", "after"):
        if name in st.query_params:
            del st.query_params[name]
