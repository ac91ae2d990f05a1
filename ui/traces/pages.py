"""Pages of a list by the last row of the page before, kept in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

DEEPEST = 40  # pages that an address holds the way back from
_MARK = re.compile(r"(\d{1,19})-([0-9a-f]{32})")


def trail() -> list[str]:
    """Where each page before this one ended, the first page's end first."""
    said = st.query_params.get("after", "").split("_")
    return [mark for mark in said if _MARK.fullmatch(mark)][-DEEPEST:]


def cursor(marks: Sequence[str]) -> tuple[int, str] | None:
    found = _MARK.fullmatch(marks[-1]) if marks else None
    return (int(found[1]), found[2]) if found else None


def mark(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where a page ends: its oldest row."""
    at, trace = min((int(row["at"]), str(row["trace_id"])) for row in rows)
    return f"{at}-{trace}"


def _go(marks: Sequence[str]) -> None:
    if marks:
        st.query_params["after"] = "_".join(marks[-DEEPEST:])
    elif "after" in st.query_params:
        del st.query_params["after"]


def buttons(marks: Sequence[str], rows: Sequence[Mapping[str, Any]], more: bool) -> None:
    """Newer and older; nothing where all is on one page."""
    if not marks and not more:
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button("Newest", icon=":material/first_page:", disabled=not marks, on_click=_go, args=([],))
    row.button("Newer", icon=":material/chevron_left:", disabled=not marks, on_click=_go,
               args=(marks[:-1],))  # fmt: skip
    row.button("Older", icon=":material/chevron_right:", icon_position="right",
               disabled=not (more and rows), on_click=_go,
               args=([*marks, mark(rows)] if rows else marks,))  # fmt: skip
    row.caption(f"Page {len(marks) + 1}")
