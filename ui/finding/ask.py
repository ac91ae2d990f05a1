"""Ask your own: a measure, two windows and columns; the monitors search and answer in seconds."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from schemas import questions
from schemas.clickhouse import Store
from schemas.filters import NUMBERS, TEXTS, Condition, Query, parse
from schemas.queries import dimensions, scores, spans
from schemas.queries import questions as stored
from schemas.queries.traces import SEGMENT_COLUMNS
from schemas.questions import Question
from ui import clock, links, period
from ui.data import literal
from ui.plain import visible

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
ATTRIBUTE = "attributes."
PATIENCE = 30  # seconds after which a page says that nobody answers
WORDS = {
    "segment": "A segment explains the change.",
    "everywhere": "It changed everywhere: no small set of segments explains it.",
    "mix": "The mix of segments changed, and that alone explains most of it.",
    "none": "No segment moved the way the whole did.",
}


def show(store: Store, project: str, split_ns: int) -> None:
    """The form, and the answer to the address's question; `split_ns` is the moment it offers."""
    st.subheader("Ask your own")
    st.caption(
        "Which segments explain a change of a measure between two windows? Both are cut into blocks"
        " of time, whose labels are permuted for the p-values."
    )
    first, last = spans.time_range(store, project)
    if not last:
        st.info("No traces yet.")
        return
    judged = sorted({row["evaluator"] for row in scores.evaluators(store, project)})
    metrics = [*(f"score:{name}" for name in judged), *stored.METRICS]
    at = clock.local(split_ns or (first + last) // 2)
    with st.form("ask", border=True):
        row = st.columns([2, 2, 1, 1])
        metric = row[0].selectbox("Measure", metrics, key="ask-metric")
        split = row[1].datetime_input("The change began", at.replace(tzinfo=None), key="ask-split")
        before = row[2].number_input("Hours before", 1, 24 * 60, 24, key="ask-before")
        after = row[3].number_input("Hours after", 1, 24 * 30, 24, key="ask-after")
        there = dimensions.keys(store, project, last - DAY_NS, last + 1)
        columns = st.multiselect(
            "Columns", [*dimensions.NAMED, *there],
            SEGMENT_COLUMNS, key="ask-columns", accept_new_options=True,
            help="Also tool.NAME, tag.NAME, attributes.KEY and resource.KEY: type one. Numbers are"
            " cut into eight bins. Keys are offered from the last day's newest spans.",
        )  # fmt: skip
        sent = st.form_submit_button("Search")
    if sent and split is not None:
        moment = int(split.replace(tzinfo=at.tzinfo).astimezone(UTC).timestamp()) * 10**9
        asked = Question(
            metric, moment - int(before) * HOUR_NS, moment, moment + int(after) * HOUR_NS,
            tuple(columns),
        )  # fmt: skip
        try:
            st.query_params["question"] = questions.ask(store, project, asked)
        except ValueError as error:
            st.warning(literal(visible(str(error), 300)))
            return
    if wanted := st.query_params.get("question", ""):
        _await(store, project, wanted)


@st.fragment(run_every=2)
def _await(store: Store, project: str, wanted: str) -> None:
    """Look again until the answer is there; then nothing changes any more."""
    found = stored.question(store, project, wanted)
    if found is None:
        st.warning(literal(f"No question {visible(wanted, 64)} in project {project}."))
    elif found["status"] == "waiting":
        late = time.time() - found["asked_ms"] / 1000 > PATIENCE
        st.info("The monitors have not answered yet: are they running?" if late else "Searching …")
    elif found["status"] == "failed":
        st.warning(literal(visible(json.loads(found["answer"]).get("error", ""), 500)))
    else:
        answer(project, questions.read(found["document"]), json.loads(found["answer"]))


def answer(project: str, asked: Question, said: Mapping[str, Any]) -> None:
    """The answer with its counts and intervals, and links to the traces of each segment."""
    when = datetime.fromtimestamp(asked.split_ns / 1e9, UTC)
    st.markdown(literal(
        f"{visible(asked.metric, 100)} went from {said['before']:.4g} to {said['after']:.4g} at"
        f" {clock.said(asked.split_ns)}. {WORDS.get(said['kind'], '')}"
    ), help=f"{when:%Y-%m-%d %H:%M:%S} UTC")  # fmt: skip
    n, k = said["blocks"]
    st.caption(
        f"{said['n_before']:,} traces before, {said['n_after']:,} after, in {n} and {k} blocks of"
        f" time; p={said['p_change']:.3g} that blocks differ this much by themselves (at least"
        f" {said.get('least_p', 0):.2g} with so few)."
        + (f" One trace in {one_in} was drawn." if (one_in := said.get("one_in", 1)) > 1 else "")
    )
    if not said["causes"]:
        return
    ends = {"from": period.written(asked.split_ns), "to": period.written(asked.end_ns)}
    st.dataframe(
        pd.DataFrame(
            {
                "traces": links.address("traces", project, search=_search(c["segment"]), **ends),
                "segment": visible(_name(c["segment"]), 200),
                "share of the change": f"{c['share']:.0%}",
                "95% interval": f"{c['share_low']:.0%} to {c['share_high']:.0%}",
                "before": _value(c["before"]), "after": _value(c["after"]),
                "p": f"{c['p_value']:.3g}", "of the traffic": f"{c['weight']:.0%}",
            }
            for c in said["causes"]
        ),
        hide_index=True,
        column_config={"traces": st.column_config.LinkColumn(display_text="open", width=60)},
    )  # fmt: skip


def _value(found: float) -> str:
    """A mean, or that the segment had no traces."""
    return "no traces" if math.isnan(found) else f"{found:.4g}"


def _name(segment: Mapping[str, list[str]]) -> str:
    return " and ".join(f"{k}={' or '.join(v)}" for k, v in segment.items()) or "all traffic"


def _search(segment: Mapping[str, list[str]]) -> str:
    """Of columns with one value each, and of those that a search knows: it has no 'or', and reads
    the attributes of spans by their keys."""
    found = []
    for name, values in segment.items():
        key = name.removeprefix(ATTRIBUTE) if name.startswith(ATTRIBUTE) else ""
        one = Condition(key or name, "=", values[0])
        try:
            read = parse(str(one)).conditions
        except ValueError:
            read = ()
        known = name in TEXTS or (key and key not in {*TEXTS, *NUMBERS} and not one.is_score)
        if len(values) == 1 and values[0] and known and read == (one,):
            found.append(one)
    return str(Query("", tuple(found)))
