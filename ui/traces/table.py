"""The rows of the list, with the columns that are wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ui import clock, links
from ui.plain import visible

USUAL = ("time", "ms", "errors", "input", "output", "scores", "name", "model", "prompt version")
MORE = ("UTC", "spans", "tokens", "cost", "session", "user", "kind", "source", "environment",
        "service", "version", "tags", "trace id")  # fmt: skip
COLUMNS = (*USUAL, *MORE)
_WIDTHS = {"name": 130, "input": 200, "output": 180, "scores": 260}


def cell(row: Mapping[str, Any], judged: Sequence[tuple[str, str, float]], name: str) -> Any:
    """One column of one trace."""
    if name == "scores":
        return ", ".join(
            f"{visible(who, 60)} {value:.2f}" if state == "scored" and math.isfinite(value)
            else f"{visible(who, 60)} {state}" for who, state, value in judged
        )  # fmt: skip
    if name in {"time", "UTC"}:
        return (clock.local if name == "time" else clock.utc)(row["start_ns"])
    if name == "tags":
        return ", ".join(visible(tag, 60) for tag in row["tags"])
    if name == "tokens":
        return row["input_tokens"] + row["output_tokens"]
    plain = {"ms": "duration_ms", "spans": "spans", "errors": "errors", "cost": "cost_usd"}
    if name in plain:
        return round(row[plain[name]]) if name == "ms" else row[plain[name]]
    of = {"model": "segment_model", "prompt version": "segment_prompt_version",
          "source": "segment_document_source", "environment": "segment_environment",
          "service": "segment_service", "version": "segment_service_version",
          "session": "session_id", "user": "user_id", "trace id": "trace_id"}  # fmt: skip
    return visible(str(row[of.get(name, name)]), 200)


def draw(
    project: str, rows: Sequence[Mapping[str, Any]], judged: Mapping[str, Sequence[Any]],
    wanted: Sequence[str],
) -> None:  # fmt: skip
    """The table; the first column opens the trace."""
    names = [name for name in COLUMNS if name in wanted] or list(USUAL)
    frame = pd.DataFrame(
        {
            "open": links.address("trace", project, trace=row["trace_id"]),
            **{name: cell(row, judged.get(row["trace_id"], ()), name) for name in names},
        }
        for row in rows
    )
    columns = st.column_config
    st.dataframe(
        frame, hide_index=True,
        height=min(640, 38 + 35 * len(rows)),  # empty rows would look like missing traces
        column_config={
            "open": columns.LinkColumn("open", display_text="open", width=50, pinned=True),
            "time": clock.column(width=120), "ms": columns.NumberColumn(width=60),
            "errors": columns.NumberColumn(width=60), "cost": columns.NumberColumn(format="$ %.5f"),
            **{name: columns.TextColumn(width=width) for name, width in _WIDTHS.items()},
        },
    )  # fmt: skip
