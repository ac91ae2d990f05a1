"""One trace: waterfall, scores, and each span's text, documents and attributes."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import logs, scores, spans
from ui import charts
from ui.data import literal, moment


def render(store: Store, project: str) -> None:
    st.title("Trace")
    trace_id = st.text_input("Trace id", value=st.query_params.get("trace", ""))
    if not trace_id:
        st.info("Open a trace from the list of traces, or paste its id.")
        return
    st.query_params["trace"] = trace_id
    rows = spans.trace_spans(store, project, trace_id.strip().lower())
    if not rows:
        st.warning(literal(f"No trace {trace_id} in project {project}."))
        return
    st.altair_chart(charts.waterfall(rows))
    judged = scores.trace_scores(store, project, trace_id)
    if judged:
        columns = ["evaluator", "status", "value", "reason", "explanation", "evaluator_version"]
        st.dataframe(pd.DataFrame(judged)[columns], hide_index=True)
    else:
        st.caption("Not scored yet: a trace is scored once it has been quiet for some seconds.")
    _logs(logs.trace_logs(store, project, trace_id.strip().lower()), rows)
    for row in rows:
        label = f"{row['kind'] or 'SPAN'}  {row['name']}  ({row['duration_ns'] / 1e6:.0f} ms)"
        with st.expander(literal(label), expanded=not row["parent_span_id"]):
            _span(row)


def _logs(records: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """OTLP log records of the trace, each beside the span that it names."""
    if not records:
        return
    names = {row["span_id"]: row["name"] for row in rows}
    with st.expander(f"{len(records)} log record{'s' * (len(records) > 1)}"):
        frame = pd.DataFrame(
            {
                "time": moment(r["time_ns"]),
                "severity": r["severity_text"] or r["severity"] or "",
                "span": names.get(r["span_id"], r["span_id"]),
                "event": r["event_name"],
                "body": r["body"],
            }
            for r in records
        )
        st.dataframe(frame, hide_index=True)


def _span(row: dict[str, Any]) -> None:
    for title in ("input", "output"):
        if row.get(title):
            st.caption(title)
            _text(row[title])
    for number, document in enumerate(row.get("documents") or []):
        st.caption(f"document {number + 1}")
        st.text(document)
    if row["status"] == "ERROR":
        st.error(literal(row["status_message"] or "error"))
    st.caption("attributes and resource")
    st.json({**row["attributes"], **row["resource"]}, expanded=False)


def _text(text: str) -> None:
    """Messages as a chat, anything else as plain text."""
    try:
        messages = json.loads(text)
    except ValueError:
        messages = None
    if not (isinstance(messages, list) and messages and all(isinstance(m, dict) for m in messages)):
        st.text(text)
        return
    for message in messages:
        with st.chat_message(str(message.get("role") or "user")):
            st.text(str(message.get("content", message)))
