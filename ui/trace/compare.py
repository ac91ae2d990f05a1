"""Two traces side by side: figures with their differences, timelines, inputs and answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import samples, scores, trace
from ui import clock, links, plain
from ui.data import literal
from ui.trace import tree, waterfall

ROWS = 40  # of each timeline
COST = "cost, USD"


def figures(heads: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Sums over the spans of a trace; a cost of NaN where nothing has a price."""
    start = min(head["start_ns"] for head in heads)
    return {
        "duration, ms": (max(tree.end(head) for head in heads) - start) / 1e6,
        "spans": len(heads),
        "failed spans": sum(head["status"] == "ERROR" for head in heads),
        "input tokens": sum(head["input_tokens"] for head in heads),
        "output tokens": sum(head["output_tokens"] for head in heads),
        COST: sum(head["cost_usd"] for head in heads) or math.nan,
    }


def by_name(heads: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, float]]:
    """(calls, ms) by kind and name."""
    found: dict[str, tuple[int, float]] = {}
    for head in heads:
        name = f"{head['kind'] or 'SPAN'} {head['name']}"
        count, spent = found.get(name, (0, 0.0))
        found[name] = (count + 1, spent + head["duration_ns"] / 1e6)
    return found


def show(store: Store, project: str, left: str, right: str) -> None:
    """`left` is the trace on the page, `right` the one that it is compared with."""
    ids = (left, right)
    both = [trace.heads(store, project, each) for each in ids]
    if not both[1]:
        st.warning(literal(f"No trace {plain.visible(right, 64)} in project {project}."))
        return
    st.dataframe(_table(store, project, ids, both), hide_index=True, width="stretch")
    texts = {sample.trace_id: sample for sample in samples.of_traces(store, project, list(ids))}
    for column, heads, each in zip(st.columns(2), both, ids, strict=True):
        with column:
            links.link(st, f"trace {each[:8]}", "trace", project, trace=each)
            st.caption(clock.said(heads[0]["start_ns"]), help=clock.utc(heads[0]["start_ns"]))
            grown = tree.nodes(heads)
            is_open = tree.opened(grown, frozenset())
            rows = tree.shown(grown, is_open)
            waterfall.draw(grown, rows[:ROWS], is_open, "", f"compare-{each}", figures=False)
            if len(rows) > ROWS:
                st.caption(f"{len(rows) - ROWS:,} more rows")
            if each in texts:
                for who, text in (
                    ("user", texts[each].question),
                    ("assistant", texts[each].answer),
                ):
                    with st.chat_message(who):
                        st.text(plain.visible(text, 4000))
    st.caption("Calls by name: count and time together")
    first, second = map(by_name, both)
    names = sorted({*first, *second}, key=lambda n: -second.get(n, first.get(n, (0, 0)))[1])
    st.dataframe(
        pd.DataFrame(
            {
                "span": plain.visible(name, 200), "calls": first.get(name, (0, 0.0))[0],
                "ms": round(first.get(name, (0, 0.0))[1], 1),
                "calls, other": second.get(name, (0, 0.0))[0],
                "ms, other": round(second.get(name, (0, 0.0))[1], 1),
            }
            for name in names[:100]
        ),
        hide_index=True,
    )  # fmt: skip


def _table(
    store: Store, project: str, ids: tuple[str, str], both: Sequence[Sequence[Mapping[str, Any]]]
) -> pd.DataFrame:
    first, second = map(figures, both)
    rows = [
        {"what": name, "this": a, "other": second[name], "difference": second[name] - a}
        for name, a in first.items()
    ]
    judged = [
        {row["evaluator"]: row for row in scores.trace_scores(store, project, each)} for each in ids
    ]
    for name in sorted({*judged[0], *judged[1]}):
        values = [
            found[name]["value"]
            if name in found and found[name]["status"] == "scored"
            else math.nan
            for found in judged
        ]
        rows.append({"what": plain.visible(name, 100), "this": values[0], "other": values[1],
                     "difference": values[1] - values[0]})  # fmt: skip
    frame = pd.DataFrame(rows)
    for name in ("this", "other", "difference"):
        signed = "+" if name == "difference" else ""
        frame[name] = [
            f"{v:{signed},.4g}" if math.isfinite(v)
            else "no price" if what == COST and name != "difference" else ""
            for what, v in zip(frame["what"], frame[name], strict=True)
        ]  # fmt: skip
    return frame
