"""The list of traces: time range, search, segments; each row links to its trace."""

from __future__ import annotations

import shlex

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import spans
from schemas.queries.traces import FILTERS
from ui import period
from ui.data import literal, moment, trace_link


def parsed(said: str) -> tuple[str, dict[str, str]]:
    """(words, value by column) of a search; a value with spaces stands in quotes. Raises
    ValueError where a quote is not closed."""
    words, where = [], {}
    for part in shlex.split(said):
        column, equals, value = part.partition("=")
        if equals and column.isidentifier():
            where[column] = value
        else:
            words.append(part)
    return " ".join(words), where


def render(store: Store, project: str) -> None:
    st.title("Traces")
    left, right = st.columns([3, 1])
    what = "Words of input, output and documents, a span's name, a trace id; and column=value"
    said = left.text_input(
        what,
        value=st.query_params.get("search", ""),
        placeholder='refund status=ERROR model=gpt-4o-mini prompt_version="v 2"',
        help=f"Columns: {', '.join(FILTERS)}",
    )
    st.query_params["search"] = said
    start, end = period.chosen(store, project, right)
    try:
        search, where = parsed(said)
        rows = spans.list_traces(store, project, start, end, limit=200, search=search, where=where)
    except ValueError as error:
        st.warning(literal(f"{error}. Columns are {', '.join(FILTERS)}."))
        return
    if not rows:
        st.info("No trace matches. Widen the time range or clear the search.")
        return
    st.caption(f"Newest {len(rows)} before {moment(end):%Y-%m-%d %H:%M} UTC")
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
