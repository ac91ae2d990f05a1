"""A trace to take along: OTLP JSON, a curl command that sends it, Python that reads it."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from schemas.clickhouse import Store
from schemas.openinference import request
from schemas.otlp import to_json
from schemas.queries import spans

SHOWN = 200_000  # characters of JSON that are shown; a longer text is for download only
MOST = 2_000  # spans that are written from a page


def otlp(rows: list[dict[str, Any]]) -> str:
    """Spans as one OTLP/JSON request."""
    return json.dumps(to_json(request(rows)), ensure_ascii=False, indent=1)


def curl(trace_id: str) -> str:
    """Send the downloaded file to a collector."""
    return (
        "curl -i http://127.0.0.1:4318/v1/traces \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  --data-binary @{trace_id}.json"
    )


def python(trace_id: str, project: str) -> str:
    """Read the trace from the store with the package's own functions."""
    return (
        "from schemas.clickhouse import connect\n"
        "from schemas.queries.spans import trace_spans\n"
        "from schemas.settings import from_environment\n\n"
        "store = connect(from_environment())\n"
        f"rows = trace_spans(store, {project!r}, {trace_id!r})\n"
        "for row in rows:\n"
        '    print(row["kind"], row["name"], row["duration_ns"] / 1e6, "ms", row["output"])\n'
    )


def show(store: Store, project: str, trace_id: str, ids: list[str]) -> None:
    """The three forms. What a key or a rule has redacted is not in them either."""
    if len(ids) > MOST:
        st.info(
            f"This trace has {len(ids):,} spans; a page writes {MOST:,}. `assay export` writes all."
        )
        ids = ids[:MOST]
    if not st.toggle("OTLP JSON", value=len(ids) <= 50, key="copy-otlp"):
        text = ""
    else:
        text = otlp(spans.trace_spans(store, project, trace_id, ids))
        st.download_button(
            "Download", text, f"{trace_id}.json", "application/json", on_click="ignore"
        )
        if len(text) <= SHOWN:
            with st.container(height=300):
                st.code(text, language="json")
        else:
            st.caption(f"{len(text):,} characters: too many to show here.")
    st.caption("Send the downloaded file to a collector")
    st.code(curl(trace_id), language="bash")
    st.caption("Read it in Python (with ASSAY_HOME or CLICKHOUSE_URL set)")
    st.code(python(trace_id, project), language="python")
