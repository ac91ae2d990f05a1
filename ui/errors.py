"""What a page says when ClickHouse does not answer, or refuses a question; it recovers alone."""

from __future__ import annotations

import streamlit as st

from schemas.clickhouse import error_code
from schemas.errors import Permanent, Retryable
from ui import data
from ui.data import literal

AGAIN = 3  # seconds between two tries
# Codes by which ClickHouse gives up a question that asks for too much: time, rows, memory, bytes.
TOO_MUCH = frozenset({158, 159, 160, 191, 241, 307, 396})


def show(error: Exception) -> None:
    """Words for what went wrong, and where that may pass, a look every few seconds."""
    code = error_code(error)
    if code in TOO_MUCH:
        st.warning(
            "This is more than one look can take: choose a shorter time range, or filter. "
            f"\n\n{literal(str(error)[:300])}",
            icon=":material/hourglass_disabled:",
        )
    elif isinstance(error, Permanent) or (code and not isinstance(error, OSError)):
        st.error(
            f"ClickHouse refused a question of this page; `assay doctor` may say why.\n\n"
            f"{literal(str(error)[:300])}",
            icon=":material/error:",
        )
        st.button("Try again", key="again")
    else:
        data.store.clear()
        st.error(
            "**ClickHouse does not answer.** What is shown may be old or missing. This page tries"
            f" again every {AGAIN} seconds and comes back by itself; `assay doctor` says what is"
            f" wrong.\n\n{literal(str(error)[:300])}",
            icon=":material/cloud_off:",
        )
        _until_it_answers()


@st.fragment(run_every=AGAIN)
def _until_it_answers() -> None:
    try:
        data.store().ping()
    except (Retryable, Permanent, OSError):
        data.store.clear()
        return
    st.rerun(scope="app")
