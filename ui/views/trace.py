"""One trace: what happened when, what supports the answer, and each span in full."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import logs, samples, scores, spans, trace
from ui import clock, links, money, plain
from ui.connection import ahead
from ui.data import literal
from ui.trace import compare, copies, evidence, span, tree, waterfall
from ui.trace.waterfall import duration

PARTS = ("Scores", "Tool calls", "Logs", "Similar", "Compare", "Copy")
TOGGLED = 60  # folded or unfolded spans that an address holds


def render(store: Store, project: str) -> None:
    st.title("Trace")
    said = st.text_input("Trace id", key="trace", bind="query-params")
    trace_id = said.strip().lower()
    if not trace_id:
        st.info("Open a trace from the list of traces, or paste its id.")
        return
    ahead(
        store, partial(trace.heads, store, project, trace_id),
        partial(scores.trace_scores, store, project, trace_id),
    )  # fmt: skip
    heads = trace.heads(store, project, trace_id)
    if not heads:
        st.warning(literal(f"No trace {plain.visible(trace_id, 64)} in project {project}."))
        return
    grown = tree.nodes(heads)
    _facts(project, heads)
    _timeline(store, project, trace_id, grown)
    judged = scores.trace_scores(store, project, trace_id)
    _evidence(store, project, trace_id, judged)
    _parts(store, project, trace_id, heads, judged)


def _facts(project: str, heads: list[dict[str, Any]]) -> None:
    start = heads[0]["start_ns"]
    length = max(map(tree.end, heads)) - start
    failed = sum(head["status"] == "ERROR" for head in heads)
    tokens = sum(head["input_tokens"] + head["output_tokens"] for head in heads)
    cost = sum(head["cost_usd"] for head in heads)
    st.caption(f"Began {clock.said(start)}", help=clock.utc(start))
    tiles = st.columns(4)
    tiles[0].metric("Took", duration(length))
    tiles[1].metric("Spans", f"{len(heads):,}", f"{failed:,} failed" if failed else None,
                    delta_color="inverse", delta_arrow="off")  # fmt: skip
    tiles[2].metric("Tokens", f"{tokens:,}" if tokens else "none told")
    tiles[3].metric("Cost", money.said(cost, cost, 5))
    row = st.container(horizontal=True)
    for name, page, key in (("session", "sessions", "session_id"), ("user", "sessions", "user_id")):
        value = next((head[key] for head in heads if head[key]), "")
        if value:
            links.link(row, literal(f"{name} {plain.visible(value, 80)}"), page, project,
                       **{name: value})  # fmt: skip


def _timeline(store: Store, project: str, trace_id: str, grown: tree.Tree) -> None:
    toggled = frozenset(filter(None, st.query_params.get("toggled", "").split(",")))
    is_open = tree.opened(grown, toggled)
    rows = tree.shown(grown, is_open)
    picked = st.query_params.get("span", "")
    if grown.place(picked) < 0:
        picked = grown[0].id
    at = max(0, rows.place(picked))
    pages = -(-len(rows) // tree.PAGE)
    left, right = st.columns([5, 3])
    with left:
        page = at // tree.PAGE + 1
        if pages > 1:
            asked = st.query_params.get("page", str(page))
            page = min(pages, int(asked)) if asked.isdecimal() and int(asked) else page
            page = st.number_input(f"Page of {pages:,}", 1, pages, page, key=f"page-{trace_id}")
            st.query_params["page"] = str(page)
        part = rows[(page - 1) * tree.PAGE : page * tree.PAGE]
        waterfall.draw(grown, part, is_open, picked, f"timeline-{trace_id}", _pick, _fold)
        words = "Outlined: the critical path. Striped: failed."
        if len(rows) > len(part) or len(rows) < len(grown):
            words = f"{len(part):,} rows of {len(rows):,} open, {len(grown):,} spans. " + words
        st.caption(words)
    (whole,) = spans.trace_spans(store, project, trace_id, [picked])[:1]
    long = len(whole["input"]) + len(whole["output"]) > 1200 or len(whole["documents"]) > 2
    with right, st.container(height=640 if long else "content", border=True):
        span.show(whole, grown.time()[0])


def _pick(span_id: str) -> None:
    st.query_params["span"] = span_id


def _fold(span_id: str) -> None:
    toggled = [each for each in st.query_params.get("toggled", "").split(",") if each]
    now = [each for each in toggled if each != span_id]
    if len(now) == len(toggled):
        now.append(span_id)
    st.query_params["toggled"] = ",".join(now[-TOGGLED:])


def _evidence(store: Store, project: str, trace_id: str, judged: list[dict[str, Any]]) -> None:
    if not any(row["evaluator"] == "groundedness" and row["explanation"] for row in judged):
        return
    for sample in samples.of_traces(store, project, [trace_id]):
        titles = [f"document {n + 1}" for n in range(len(sample.documents))]
        evidence.draw(sample.answer, sample.documents, titles, judged, f"evidence-{trace_id}")


def _parts(
    store: Store, project: str, trace_id: str, heads: list[dict[str, Any]],
    judged: list[dict[str, Any]],
) -> None:  # fmt: skip
    part = st.segmented_control(
        "Show", PARTS, default="Compare" if "with" in st.query_params else PARTS[0], key="part",
        label_visibility="collapsed", bind="query-params",
    )  # fmt: skip
    if part == "Scores":
        _scores(judged)
    elif part == "Tool calls":
        _calls(trace.calls(store, project, trace_id))
    elif part == "Logs":
        _logs(logs.trace_logs(store, project, trace_id), heads)
    elif part == "Similar":
        _similar(store, project, trace_id)
    elif part == "Compare":
        other = st.text_input("Compare with the trace", key="with", bind="query-params")
        if other.strip():
            compare.show(store, project, trace_id, other.strip().lower())
        else:
            st.info("Paste the id of another trace, or take one from Similar.")
    elif part == "Copy":
        copies.show(store, project, trace_id, [head["span_id"] for head in heads])


def _scores(judged: list[dict[str, Any]]) -> None:
    if not judged:
        st.info("Not scored yet: a trace is scored once it has been quiet for some seconds.")
        return
    columns = ["evaluator", "value", "status", "reason", "explanation", "level", "source",
               "evaluator_version"]  # fmt: skip
    frame = pd.DataFrame(judged)[columns]
    for name in ("evaluator", "reason", "explanation", "source", "evaluator_version"):
        frame[name] = frame[name].map(plain.visible)
    if not frame["reason"].any():
        frame = frame.drop(columns="reason")
    config = st.column_config
    st.dataframe(
        frame.rename(columns={"evaluator_version": "version"}), hide_index=True,
        column_config={"value": config.NumberColumn(format="%.3f"),
                       "explanation": config.TextColumn(width=360)},
    )  # fmt: skip
    for row in judged:
        if row["explanation"]:
            with st.expander(literal(f"Explanation of {plain.visible(row['evaluator'], 80)}")):
                st.text(plain.visible(row["explanation"]))


def _calls(found: list[dict[str, Any]]) -> None:
    if not found:
        st.info("No tool was called in this trace.")
    for call in found:
        with st.container(border=True):
            st.caption(literal(plain.visible(f"{call['name']} {call['id']}", 300)))
            if call["failed"]:
                st.error("The call failed.")
            left, right = st.columns(2)
            left.caption("arguments")
            left.text(plain.visible(call["arguments"] or "(none)", 4000))
            right.caption("result")
            right.text(plain.visible(call["result"] or "(none came back)", 4000))


def _logs(records: list[dict[str, Any]], heads: list[dict[str, Any]]) -> None:
    """OTLP log records of the trace, each beside the span that it names."""
    if not records:
        st.info("No log record names this trace.")
        return
    names = {head["span_id"]: head["name"] for head in heads}
    st.caption(f"{len(records):,} log record{'s' * (len(records) > 1)}")
    frame = pd.DataFrame(
        {
            "time": clock.local(r["time_ns"]),
            "severity": r["severity_text"] or str(r["severity"] or ""),
            "span": plain.visible(names.get(r["span_id"], r["span_id"]), 120),
            "event": plain.visible(r["event_name"], 200),
            "body": plain.visible(r["body"], 4000),
            "UTC": clock.utc(r["time_ns"]),
        }
        for r in records[:1000]
    )
    st.dataframe(frame, hide_index=True, column_config={"time": clock.column()})


def _similar(store: Store, project: str, trace_id: str) -> None:
    field = st.radio("By the embedding of its", ["input", "output"], horizontal=True, key="by",
                     bind="query-params")  # fmt: skip
    found = trace.alike(store, project, trace_id, field)
    if not found:
        st.info("No trace with an embedding within 14 days of this one.")
        return
    st.caption("Cosine of the embeddings, within 14 days; 1 is the same direction.")
    st.dataframe(
        pd.DataFrame(
            {
                "open": links.address("trace", project, trace=row["trace_id"]),
                "compare": links.address(
                    "trace", project, trace=trace_id, part="Compare", **{"with": row["trace_id"]}
                ),
                "similarity": round(row["similarity"], 3),
                "time": clock.local(row["start_ns"]),
                field: plain.visible(row["text"], 200),
            }
            for row in found
        ),
        hide_index=True,
        column_config={
            "open": st.column_config.LinkColumn("open", display_text="open", width=60),
            "compare": st.column_config.LinkColumn("compare", display_text="compare", width=80),
            "time": clock.column(),
        },
    )
