"""The pages' connection to ClickHouse and small shared formats."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.models import Observation
from schemas.settings import from_environment


@st.cache_resource(ttl=300)
def store() -> Store:
    """A connection shared by the pages. Raises Retryable while ClickHouse is away."""
    return clickhouse.connect(from_environment())


def interval(rows: Sequence[Observation]) -> tuple[float, float]:
    """Mean and half-width of its 95% interval, sessions as units; NaN without rows."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row.session_id or row.trace_id, []).append(row.value)
    values = [sum(v) / len(v) for v in groups.values()]
    if not values:
        return math.nan, math.nan
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return mean, 1.96 * math.sqrt(variance / len(values))


def summary(rows: Sequence[Observation]) -> tuple[str, str]:
    """(mean, its 95% interval in words) of scored traces, sessions as units."""
    mean, half = interval(rows)
    if not rows:
        return "no score", ""
    if half == 0 and mean in (0.0, 1.0):
        # Nothing varied: the normal interval has no width, the rule of three has (Hanley 1983).
        n = len({row.session_id or row.trace_id for row in rows})
        bound = min(1.0, 3 / n)
        side = f"below {bound:.4f}" if mean == 0 else f"above {1 - bound:.4f}"
        return f"{mean:.3f}", f"95%: {side}"
    return f"{mean:.3f}", f"± {half:.3f}" if math.isfinite(half) else ""


def literal(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is: what a trace carries may hold links, images
    and directives, and an image alone would tell its host who looks at what."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])", r"\\\1", text)


def moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)


def trace_link(project: str, trace_id: str) -> str:
    """A relative address that opens the trace."""
    return f"/trace?project={project}&trace={trace_id}"
