"""Links from one page to another within the session, as addresses that hold what they show."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st


def address(page: str, project: str, **query: Any) -> str:
    """A relative address of a page; nothing is written for what is empty."""
    named = {"project": project, **{k: v for k, v in query.items() if v not in ("", None)}}
    return f"/{page}?{urlencode(named)}"


def link(where: Any, label: str, page: str, project: str, icon: str | None = None,
         told: str | None = None, **query: Any) -> None:  # fmt: skip
    """A link that keeps the session; `label` is Markdown, so what a trace says is escaped first.
    `told` stands beside the mouse."""
    named = {"project": project, **{k: str(v) for k, v in query.items() if v not in ("", None)}}
    where.page_link(
        st.Page(_nothing, title=page, url_path=page),
        label=label,
        icon=icon,
        query_params=named,
        help=told,
    )


def _nothing() -> None:
    """Stands for the page, which is known by its address."""
