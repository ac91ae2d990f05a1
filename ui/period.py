"""The time range of a page: the last hours before the project's newest span, kept in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import spans

HOUR_NS = 3600 * 10**9
HOURS = {"1 hour": 1, "6 hours": 6, "24 hours": 24, "3 days": 72, "7 days": 168, "30 days": 720}


def chosen(store: Store, project: str, where: Any = st, default: int = 72) -> tuple[int, int]:
    """[start, end) in ns as the page's select box says; (0, 1) for a project without spans."""
    _, last = spans.time_range(store, project)
    said = st.query_params.get("hours", str(default))
    hours = int(said) if said.isdecimal() and int(said) in HOURS.values() else default
    names = list(HOURS)
    index = list(HOURS.values()).index(hours)
    hours = HOURS[where.selectbox("Last", names, index=index)]
    st.query_params["hours"] = str(hours)
    return max(0, last - hours * HOUR_NS), last + 1
