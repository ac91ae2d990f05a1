"""One span: its figures, messages as a chat, documents with scores, events, raw attributes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from schemas.messages import Message, messages
from ui import clock, plain
from ui.data import literal
from ui.trace.waterfall import duration

MESSAGES = 60  # of a conversation that are shown
DOCUMENTS = 30


def show(row: Mapping[str, Any], start_ns: int) -> None:
    """Everything that is stored of a span; `start_ns` is when its trace began."""
    st.subheader(literal(plain.visible(row["name"], 200) or "(no name)"))
    after = duration(row["start_ns"] - start_ns)
    began = clock.said(row["start_ns"], "%H:%M:%S")
    took = duration(row["duration_ns"])
    said = f"{row['kind'] or 'SPAN'} · began {began}, {after} after the trace · took {took}"
    st.caption(literal(said), help=clock.utc(row["start_ns"]))
    _figures(row)
    if row["status"] == "ERROR":
        said = " · ".join(filter(None, [row["error_type"], row["status_message"]])) or "error"
        st.error(literal(plain.visible(said, 4000)))
    for title in ("input", "output"):
        told = messages(row.get(f"{title}_messages", "")) or messages(row.get(title, ""))
        if told or row.get(title):
            st.caption(f"**{title}**")
            _chat(told) if told else plain.text(row[title], f"{title}-{row['span_id']}")
    _documents(row)
    _events(row)
    with st.expander(f"Attributes ({len(row['attributes'])}) and resource"):
        st.json(
            {
                "span_id": row["span_id"], "parent_span_id": row["parent_span_id"],
                "attributes": _cut(row["attributes"]), "resource": _cut(row["resource"]),
                **({"links": found} if (found := _json(row["links"])) else {}),
            },
            expanded=2,
        )  # fmt: skip


def _json(text: str) -> list[Any]:
    """A stored list; nothing where it cannot be read, which must not take the page along."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _cut(found: Mapping[str, str]) -> dict[str, str]:
    return {plain.visible(k, 200): plain.visible(v, 4000) for k, v in found.items()}


def _figures(row: Mapping[str, Any]) -> None:
    """Model, tokens, cost and the like in one line, where the span has them."""
    tokens = f"{row['input_tokens']:,} tokens in" if row["input_tokens"] else ""
    if row["cache_read_tokens"]:
        tokens += f" ({row['cache_read_tokens']:,} cached)"
    out = f"{row['output_tokens']:,} out" if row["output_tokens"] else ""
    if row["reasoning_tokens"]:
        out += f" ({row['reasoning_tokens']:,} reasoning)"
    cost = f"${row['cost_usd']:.6f} ({row['cost_source']})" if row["cost_usd"] else ""
    if row["cost_source"] == "unpriced":
        cost = "no price known"
    first = row["first_token_ns"] and f"first token after {duration(row['first_token_ns'])}"
    prompt = " ".join(filter(None, [row["prompt_name"], row["prompt_version"]]))
    shown = [row["model"], tokens, out, cost, first, row["finish_reason"],
             f"prompt {prompt}" if prompt else "", *row["tags"]]  # fmt: skip
    if any(shown):
        st.caption(literal(plain.visible(" · ".join(str(part) for part in shown if part), 2000)))


def title(row: Mapping[str, Any], number: int) -> str:
    """A heading: number, source and score of a document."""
    sources, scores = row["document_sources"], row["document_scores"]
    source = plain.visible(sources[number], 200) if number < len(sources) else ""
    score = scores[number] if number < len(scores) else math.nan
    told = f", score {score:.3g}" if math.isfinite(score) else ""
    return f"document {number + 1}" + (f", {source}" if source else "") + told


def _documents(row: Mapping[str, Any]) -> None:
    found = row["documents"]
    for number, document in enumerate(found[:DOCUMENTS]):
        with st.container(border=True):
            st.caption(literal(title(row, number)))
            plain.text(document, f"document-{row['span_id']}-{number}")
    if len(found) > DOCUMENTS:
        st.caption(f"{len(found) - DOCUMENTS} more documents are not shown.")


def _events(row: Mapping[str, Any]) -> None:
    found = [event for event in _json(row["events"]) if isinstance(event, dict)]
    if not found:
        return
    with st.expander(f"{len(found)} event{'s' * (len(found) > 1)} of the span"):
        for event in found[:50]:
            after = duration(int(event.get("time", 0)) - row["start_ns"])
            st.caption(literal(plain.visible(f"{event.get('name', '')}, after {after}", 300)))
            if event.get("attributes"):
                st.json(_cut({k: str(v) for k, v in event["attributes"].items()}), expanded=False)


def _chat(said: Sequence[Message]) -> None:
    for message in said[:MESSAGES]:
        role = str(message["role"])
        with st.chat_message({"assistant": "assistant", "user": "user"}.get(role, "ai")):
            if role not in {"assistant", "user"}:
                named = f" {message['name']}" if message.get("name") else ""
                st.caption(literal(plain.visible(role + named, 200)))
            if message.get("reasoning"):
                with st.expander("reasoning"):
                    st.text(plain.visible(str(message["reasoning"])))
            if message["content"]:
                st.text(plain.visible(str(message["content"])))
            for call in message.get("tool_calls", ()):
                st.text(plain.visible(f"calls {call['name']}({call['arguments']})"))
    if len(said) > MESSAGES:
        st.caption(f"{len(said) - MESSAGES} more messages are not shown.")
