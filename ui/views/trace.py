"""One trace: waterfall, scores, and each span's text, documents and attributes."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.messages import Message, messages
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
    _figures(row)
    for title in ("input", "output"):
        said = messages(row.get(f"{title}_messages", ""))
        if said or row.get(title):
            st.caption(title)
            _chat(said) if said else _text(row[title])
    for number, document in enumerate(row.get("documents") or []):
        st.caption(literal(_document(row, number)))
        st.text(document)
    if row["status"] == "ERROR":
        st.error(literal(row["status_message"] or "error"))
    st.caption("attributes and resource")
    st.json({**row["attributes"], **row["resource"]}, expanded=False)


def _figures(row: dict[str, Any]) -> None:
    """Model, tokens, cost and the like in one line, where the span has them."""
    tokens = f"{row['input_tokens']} tokens in" if row["input_tokens"] else ""
    if row["cache_read_tokens"]:
        tokens += f" ({row['cache_read_tokens']} cached)"
    out = f"{row['output_tokens']} out" if row["output_tokens"] else ""
    if row["reasoning_tokens"]:
        out += f" ({row['reasoning_tokens']} reasoning)"
    cost = f"${row['cost_usd']:.6f} ({row['cost_source']})" if row["cost_usd"] else ""
    if row["cost_source"] == "unpriced":
        cost = "no price known"
    first = row["first_token_ns"] and f"first token after {row['first_token_ns'] / 1e6:.0f} ms"
    prompt = " ".join(filter(None, [row["prompt_name"], row["prompt_version"]]))
    shown = [row["model"], tokens, out, cost, first, row["finish_reason"],
             f"prompt {prompt}" if prompt else "", *row["tags"]]  # fmt: skip
    if any(shown):
        st.caption(literal(" · ".join(part for part in shown if part)))


def _document(row: dict[str, Any], number: int) -> str:
    """A heading: number, source and score of a document."""
    sources, scores_ = row["document_sources"], row["document_scores"]
    source = sources[number] if number < len(sources) else ""
    score = scores_[number] if number < len(scores_) else math.nan
    told = f", score {score:.3g}" if math.isfinite(score) else ""
    return f"document {number + 1}" + (f", {source}" if source else "") + told


def _text(text: str) -> None:
    """Messages as a chat, anything else as plain text."""
    said = messages(text)
    _chat(said) if said else st.text(text)


def _chat(said: list[Message]) -> None:
    for message in said:
        role = str(message["role"])
        with st.chat_message({"assistant": "assistant", "user": "user"}.get(role, "ai")):
            if role not in {"assistant", "user"}:
                st.caption(literal(role))
            if message["content"]:
                st.text(str(message["content"]))
            for call in message.get("tool_calls", ()):
                st.text(f"{call['name']}({call['arguments']})")
