"""The list of traces: what to look for, how long it took, and each one to open."""

from __future__ import annotations

import math
import time
from functools import partial

import streamlit as st

from schemas.clickhouse import Store
from schemas.filters import Query
from schemas.queries import latency, sessions, spans
from ui import clock, period
from ui.connection import ahead
from ui.traces import heat, pages, search, table

ROWS = 100  # of a page
EVERY = 3  # seconds between two looks of the live list
HOUR_NS = 3600 * 10**9


def render(store: Store, project: str) -> None:
    st.title("Traces")
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    query = search.box(left)
    start, end = period.chosen(store, project, right)
    if query is None:
        return
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    with bar:
        with st.popover("Columns", icon=":material/view_column:"):
            wanted = st.multiselect("Columns", table.COLUMNS, default=table.USUAL, key="columns",
                                    bind="query-params", width=620)  # fmt: skip
        told = f"The newest traces of the last hour, every {EVERY} seconds"
        live = st.toggle("Live", key="live", bind="query-params", help=told)
    if live:
        _live(store, project, query, tuple(wanted))
        return
    _ahead(store, project, query, start, end)
    _figures(store, project, query, start, end)
    _page(store, project, query, start, end, wanted)


def _ahead(store: Store, project: str, query: Query, start: int, end: int) -> None:
    """Ask for all of the page at once."""

    def listed() -> None:
        rows = spans.list_traces(
            store, project, start, end, ROWS, query.words, conditions=query.conditions,
            after=pages.cursor(pages_now),
        )  # fmt: skip
        sessions.session_scores(store, project, [row["trace_id"] for row in rows])

    pages_now = pages.trail()
    ahead(
        store, listed,
        partial(latency.latency, store, project, start, end, query.words, query.conditions),
    )  # fmt: skip


def _figures(store: Store, project: str, query: Query, start: int, end: int) -> None:
    both = latency.latency(store, project, start, end, query.words, query.conditions)
    found = both.figures
    if not found["traces"]:
        return
    tiles = st.columns(6)
    tiles[0].metric("Traces", f"{found['traces']:,}", help="Root spans that began here")
    tiles[1].metric("Failed", f"{found['failed'] / found['traces']:.2%}",
                    help=f"{found['failed']:,} of {found['traces']:,} roots")  # fmt: skip
    for tile, name in zip(tiles[2:5], ("p50", "p95", "p99"), strict=True):
        tile.metric(f"Latency {name}", _seconds(found[name]))
    if math.isfinite(found["first_p50"]):
        tiles[5].metric("First token p50", _seconds(found["first_p50"]))
    heat.draw(both.cells)
    st.caption("Latency over time: drag over a stretch of it to look only there.")


def _seconds(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.2f} s"


def _page(
    store: Store, project: str, query: Query, start: int, end: int, wanted: list[str]
) -> None:
    marks = pages.trail()
    rows = spans.list_traces(
        store, project, start, end, ROWS, query.words, conditions=query.conditions,
        after=pages.cursor(marks),
    )  # fmt: skip
    if not rows:
        said = "No older trace matches." if marks else "No trace matches."
        st.info(f"{said} Widen the time range or take a filter away.")
        pages.buttons(marks, rows, False)
        return
    newest = max(row["start_ns"] for row in rows)
    st.caption(f"{len(rows)} traces, the newest of {clock.said(newest)}", help=clock.utc(newest))
    judged = sessions.session_scores(store, project, [row["trace_id"] for row in rows])
    table.draw(project, rows, judged, wanted)
    pages.buttons(marks, rows, len(rows) >= ROWS)


@st.fragment(run_every=EVERY)
def _live(store: Store, project: str, query: Query, wanted: tuple[str, ...]) -> None:
    """The newest traces, again and again; the rest of the page stays as it is."""
    now = time.time_ns()
    rows = spans.list_traces(
        store, project, now - HOUR_NS, now + 1, ROWS, query.words, conditions=query.conditions
    )
    st.caption(f"Live: {len(rows)} newest traces of the last hour, {clock.said(now, '%H:%M:%S')}",
               help=clock.utc(now))  # fmt: skip
    if rows:
        judged = sessions.session_scores(store, project, [row["trace_id"] for row in rows])
        table.draw(project, rows, judged, wanted)
    else:
        st.info("No trace in the last hour yet.")
