"""Retrieval: which documents are used, from where, how relevant, and what was found nothing for."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.filters import Condition
from schemas.queries import retrieval
from ui import clock, links, period
from ui.connection import ahead
from ui.plain import visible


def render(store: Store, project: str) -> None:
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.title("Retrieval")
    start, end = period.chosen(store, project, right)
    _ahead(store, project, start, end)
    sources = retrieval.source_use(store, project, start, end)
    nothing = retrieval.found_nothing(store, project, start, end)
    if not sources and not nothing:
        st.info(
            "No retrieval in this time. Documents are read from spans of kind RETRIEVER:"
            " `retrieval.documents`, `gen_ai.retrieval.documents`, or their output."
        )
        return
    tiles = st.columns(3)
    tiles[0].metric("Documents retrieved", f"{sum(row['times'] for row in sources):,}")
    tiles[1].metric("Sources", len([row for row in sources if row["source"]]))
    tiles[2].metric("Retrievals that found nothing", f"{len(nothing)}{'+' * (len(nothing) == 100)}")
    st.subheader("By source")
    st.dataframe(
        pd.DataFrame(
            {
                "source": visible(row["source"], 200) or "(none named)",
                "documents": row["documents"],
                "retrieved": row["times"],
                "traces": row["traces"],
                "mean score": _score(row["mean_score"]),
                "show": _traces(project, (start, end), _of_source(row["source"])),
            }
            for row in sources
        ),
        hide_index=True,
        column_config={
            "show": st.column_config.LinkColumn(
                "show", display_text="traces", width=70,
                help="Traces of which a span names this source first",
            ),
        },
    )  # fmt: skip
    st.subheader("Documents")
    _chosen(store, project, start, end, [row["source"] for row in sources])
    if nothing:
        st.subheader("Found nothing")
        st.dataframe(
            pd.DataFrame(
                {
                    "open": links.address("trace", project, trace=row["trace_id"]),
                    "time": clock.local(row["start_ns"]),
                    "retriever": visible(row["name"], 120),
                    "query": visible(row["query"], 200),
                }
                for row in nothing
            ),
            hide_index=True,
            column_config={
                "open": st.column_config.LinkColumn("open", display_text="open", width=50),
                "time": clock.column(),
            },
        )


WORDS = 8  # by which a document is searched for
LISTS = ("Most used", "Least used", "Lowest relevance", "Used before, not now")
ORDERS = {LISTS[1]: "least", LISTS[2]: "lowest"}


def _ahead(store: Store, project: str, start: int, end: int) -> None:
    """Ask for all of the page at once."""
    listed = st.query_params.get("documents", LISTS[0])
    calls = [
        partial(retrieval.source_use, store, project, start, end),
        partial(retrieval.found_nothing, store, project, start, end),
    ]
    if listed != LISTS[3]:
        source = st.query_params.get("source", "")
        calls.insert(0, partial(
            retrieval.document_use, store, project, start, end,
            order=ORDERS.get(listed, "most"), source=source or None,
        ))  # fmt: skip
    ahead(store, *calls)


def _chosen(store: Store, project: str, start: int, end: int, sources: list[str]) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    listed = left.segmented_control("List", LISTS, default=LISTS[0], key="documents",
                                    bind="query-params", label_visibility="collapsed")  # fmt: skip
    names = [name for name in sources if name]
    source = right.selectbox(
        "Source", ["", *names], key="source", bind="query-params",
        format_func=lambda name: visible(name, 100) or "every source",
    )  # fmt: skip
    if listed == LISTS[3]:
        rows = retrieval.no_longer_used(store, project, max(0, 2 * start - end), start, end)
        _gone([row for row in rows if source in ("", row["source"])])
        return
    order = ORDERS.get(str(listed), "most")
    rows = retrieval.document_use(store, project, start, end, order=order, source=source or None)
    _documents(project, (start, end), rows)
    if order == "lowest":
        st.caption("By mean score, of documents that were retrieved three times or more.")


def _gone(rows: list[dict[str, Any]]) -> None:
    st.caption(
        "Retrieved in the period before and not in this one. What was never retrieved has left no"
        " trace and cannot be listed."
    )
    if not rows:
        st.info("Every document of the period before was retrieved in this one too.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "source": visible(row["source"], 200),
                "id": visible(row["id"], 100),
                "text": visible(row["text"], 200),
                "retrieved then": row["times"],
                "last": clock.local(row["last_ns"]),
            }
            for row in rows
        ),
        hide_index=True,
        column_config={
            "text": st.column_config.TextColumn(width=420),
            "last": clock.column("last"),
        },
    )


def _documents(project: str, span: tuple[int, int], rows: list[dict[str, Any]]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "source": visible(row["source"], 200),
                "id": visible(row["id"], 100),
                "text": visible(row["text"], 200),
                "retrieved": row["times"],
                "traces": row["traces"],
                "mean score": _score(row["mean_score"]),
                "position": round(row["mean_position"], 1),
                "show": _traces(project, span, _of_words(row["text"])),
            }
            for row in rows
        ),
        hide_index=True,
        height=min(640, 38 + 35 * max(1, len(rows))),
        column_config={
            "text": st.column_config.TextColumn(width=420),
            "position": st.column_config.NumberColumn(format="%.1f", help="Mean place, from 1"),
            "show": st.column_config.LinkColumn(
                "show", display_text="traces", width=70,
                help=f"Traces with {WORDS} of the first words of the document",
            ),
        },
    )  # fmt: skip


def _traces(project: str, span: tuple[int, int], search: str) -> str:
    """The address of the traces of a period that a search finds; "" for an empty one."""
    ends = {"from": period.written(span[0]), "to": period.written(span[1] + 10**9)}
    return links.address("traces", project, search=search, **ends) if search else ""


def _of_source(name: str) -> str:
    return str(Condition("document_source", "=", name)) if name else ""


def _of_words(text: str) -> str:
    """The search for a document by its first words, less those with a mark within: the index of
    words takes some marks as part of a word."""
    parts = (re.sub(r"^\W+|\W+$", "", part) for part in text.split())
    return " ".join([part for part in parts if re.fullmatch(r"\w+", part)][:WORDS])


def _score(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "not given"
