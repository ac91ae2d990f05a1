"""Times in the viewer's zone, with UTC where the mouse rests."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def zone() -> tzinfo:
    """The browser's time zone; UTC where it tells none that is known here."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def local(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC).astimezone(zone())


def said(ns: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """The time for a reader, with its zone."""
    return f"{local(ns):{form} %Z}"


def utc(ns: int) -> str:
    """The same for the tooltip beside it."""
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def column(label: str = "time", width: int = 130) -> Any:
    """A data frame's column of such times."""
    return st.column_config.DatetimeColumn(
        f"{label} ({local(0):%Z})" if zone() is UTC else label,
        format="MM-DD HH:mm:ss", width=width, timezone=str(zone()),
        help=f"In {zone()}; a column with UTC can be shown.",
    )  # fmt: skip
