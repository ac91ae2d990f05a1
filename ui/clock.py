"""Times in the viewer's zone, with UTC where the mouse rests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ui.data import time_column, zone


def local(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC).astimezone(zone()[0])


def locals_of(moments: Iterable[int]) -> list[datetime]:
    """`local` of many: the viewer's zone is asked for once, which costs more than a moment."""
    where = zone()[0]
    return [datetime.fromtimestamp(ns / 1e9, UTC).astimezone(where) for ns in moments]


def said(ns: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """The time for a reader, with its zone."""
    return f"{local(ns):{form} %Z}"


def utc(ns: int) -> str:
    """The same for the tooltip beside it."""
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def column(label: str = "time", width: int = 140) -> Any:
    """A data frame's column of such times."""
    return time_column(label, "MM-DD HH:mm:ss", width=width)
