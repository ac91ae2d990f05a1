"""The pages' connection to ClickHouse and small shared formats."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from schemas.clickhouse import Store
from schemas.queries.courses import Block
from schemas.settings import from_environment
from ui import connection
from ui.connection import PageStore

GONE = 3.0  # seconds without its browser after which a page's query is ended


@st.cache_resource(ttl=300)
def store() -> PageStore:
    """A connection shared by the pages. Raises Retryable while ClickHouse is away."""
    return connection.connect(from_environment(), go_on)


def fresh(any_store: Store) -> Store:
    """The store with nothing kept: for a look that a change rests on."""
    if isinstance(any_store, PageStore):
        any_store.fresh()
    return any_store


def go_on() -> None:
    """Raises Streamlit's own signal where this run is to end: its page was left, a widget was
    moved, or its browser is gone."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return
    left = "left" in st.session_state  # every look at the state is a point where a run may end
    if not runtime.exists() or runtime.get_instance().get_client(context.session_id) is not None:
        if left:
            del st.session_state["left"]
    elif not left:
        st.session_state["left"] = time.monotonic()
    elif time.monotonic() - st.session_state["left"] > GONE:
        st.stop()


def zone() -> tuple[tzinfo, str]:
    """The viewer's time zone and its name, as the browser says; UTC where it says none."""
    name = str(st.context.timezone or "UTC") if runtime.exists() else "UTC"
    try:
        return ZoneInfo(name), name
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC, "UTC"


def local(ns: int) -> str:
    """A moment in the viewer's zone, to the second."""
    return datetime.fromtimestamp(ns / 1e9, zone()[0]).strftime("%Y-%m-%d %H:%M:%S %Z")


def in_utc(ns: int) -> str:
    """A moment in UTC: what stands beside `local` on hover."""
    return moment(ns).strftime("%Y-%m-%d %H:%M:%S UTC")


def time_column(label: str, form: str = "YYYY-MM-DD HH:mm:ss", **given: Any) -> Any:
    """A column of times with a zone, shown in the viewer's; its heading tells how far UTC is."""
    name = zone()[1]
    given.setdefault("help", zone_help())
    return st.column_config.DatetimeColumn(f"{label} ({name})", format=form, timezone=name, **given)


def zone_help() -> str:
    """What the heading of a column of times says where the mouse rests: how far UTC is."""
    where, name = zone()
    now = datetime.now(where)
    if name == "UTC":
        return "UTC"
    return f"In {name}. UTC: {now.astimezone(UTC):%H:%M} there is {now:%H:%M} here"


def summary(found: Block | None) -> tuple[str, str]:
    """(mean, its 95% interval in words) of scored traces, sessions as units."""
    if found is None:
        return "no score", ""
    if found.half and found.mean in (0.0, 1.0):  # nothing varied, so the interval has one side
        bound = found.half
        side = f"below {bound:.4f}" if found.mean == 0 else f"above {1 - bound:.4f}"
        return f"{found.mean:.3f}", f"95%: {side}"
    return f"{found.mean:.3f}", f"± {found.half:.3f}" if math.isfinite(found.half) else ""


def literal(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is: what a trace carries may hold links, images
    and directives, and an image alone would tell its host who looks at what."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])", r"\\\1", text)


def moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)


def trace_link(project: str, trace_id: str) -> str:
    """A relative address that opens the trace."""
    return f"/trace?project={project}&trace={trace_id}"
