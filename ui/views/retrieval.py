"""Retrieval: which documents are used, from where, how relevant, and what was found nothing for."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import retrieval
from ui import period
from ui.data import moment, trace_link


def render(store: Store, project: str) -> None:
    st.title("Retrieval")
    start, end = period.chosen(store, project)
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
                "source": row["source"] or "(none named)",
                "documents": row["documents"],
                "retrieved": row["times"],
                "traces": row["traces"],
                "mean score": _score(row["mean_score"]),
            }
            for row in sources
        ),
        hide_index=True,
    )
    st.subheader("Documents, most used first")
    _documents(retrieval.document_use(store, project, start, end))
    if nothing:
        st.subheader("Found nothing")
        st.dataframe(
            pd.DataFrame(
                {
                    "open": trace_link(project, row["trace_id"]),
                    "time": moment(row["start_ns"]),
                    "retriever": row["name"],
                    "query": row["query"],
                }
                for row in nothing
            ),
            hide_index=True,
            column_config={
                "open": st.column_config.LinkColumn("open", display_text="open", width=50),
                "time": st.column_config.DatetimeColumn("time (UTC)", format="MM-DD HH:mm:ss"),
            },
        )


def _documents(rows: list[dict[str, Any]]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "source": row["source"],
                "id": row["id"],
                "text": row["text"],
                "retrieved": row["times"],
                "traces": row["traces"],
                "mean score": _score(row["mean_score"]),
                "mean position": round(row["mean_position"], 1),
            }
            for row in rows
        ),
        hide_index=True,
        height=min(640, 38 + 35 * max(1, len(rows))),
        column_config={"text": st.column_config.TextColumn(width=420)},
    )


def _score(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "not given"
