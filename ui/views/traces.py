"""The list of traces: time range, search, segments; each row links to its trace."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import spans
from ui.data import moment, trace_link

HOURS = {"1 hour": 1, "6 hours": 6, "24 hours": 24, "3 days": 72, "30 days": 720}


def render(store: Store, project: str) -> None:
    st.title("Traces")
    _, last = spans.time_range(store, project)
    left, right = st.columns([3, 1])
    what = "Search words of input, output and documents, a span name, or a trace id"
    search = left.text_input(what,
                             value=st.query_params.get("search", ""))  # fmt: skip
    hours = HOURS[right.selectbox("Last", list(HOURS), index=3)]
    st.query_params["search"] = search
    rows = spans.list_traces(
        store, project, last - hours * 3600 * 10**9, last + 1, limit=200, search=search
    )
    if not rows:
        st.info("No trace matches. Widen the time range or clear the search.")
        return
    st.caption(
        f"Newest {len(rows)} of the last {hours} hours before {moment(last):%Y-%m-%d %H:%M} UTC"
    )
    frame = pd.DataFrame(
        {
            "open": trace_link(project, r["trace_id"]),
            "time": moment(r["start_ns"]),
            "name": r["name"],
            "input": r["input"],
            "output": r["output"],
            "ms": round(r["duration_ms"]),
            "spans": r["spans"],
            "errors": r["errors"],
            "model": r["segment_model"],
            "prompt": r["segment_prompt_version"],
            "source": r["segment_document_source"],
        }
        for r in rows
    )
    columns = st.column_config
    st.dataframe(
        frame,
        hide_index=True,
        height=min(640, 38 + 35 * len(rows)),  # empty rows would look like missing traces
        column_config={
            "open": columns.LinkColumn("open", display_text="open", width=50),
            "time": columns.DatetimeColumn("time (UTC)", format="MM-DD HH:mm:ss", width=110),
            "name": columns.TextColumn("name", width=100),
            "input": columns.TextColumn("input", width=210),
            "output": columns.TextColumn("output", width=210),
        },
    )
