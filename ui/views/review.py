"""The queue for human labels: one item at a time, blind to the judge, by keys if one likes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from schemas import control
from schemas.clickhouse import Store
from schemas.estimates import agreement
from schemas.queries import labels, scores, spans
from schemas.queries.review import queue
from schemas.review import INFORMATIVE, RANDOM
from ui import period, review
from ui.data import literal
from ui.viewer import viewer

LONGEST = 20_000  # characters of a text that are shown: nobody reads more for one label
QUESTIONS = {
    "groundedness": "Do the documents support every claim of the answer?",
    "answer_relevance": "Does the answer address the question?",
    "refusal": "Did the application decline to answer?",
}
MODES = {
    "At random": RANDOM,
    "Where the judge is least sure": INFORMATIVE,
}


def render(store: Store, project: str) -> None:
    st.title("Review")
    found = scores.evaluators(store, project)
    names = sorted({row["evaluator"] for row in found if row["scored"]})
    if not names:
        st.info("Nothing has been scored in this project yet: there is nothing to compare people"
                " with.")  # fmt: skip
        return
    said = st.query_params.get("evaluator", names[0])
    evaluator = st.selectbox(
        "Evaluator", names, index=names.index(said) if said in names else 0, key="review-evaluator"
    )
    st.query_params["evaluator"] = evaluator
    rows = queue(store, project, evaluator)
    _progress(rows)
    annotator = _annotator()
    if not viewer().may("reviewer"):
        st.info("Viewers see the progress; a reviewer labels.")
    elif annotator:
        _item(store, project, evaluator, rows, annotator)
        _more(store, project, evaluator, annotator, empty=not rows)
    _between_people(store, project, evaluator)
    st.markdown(
        f"Agreement of the judge with people, and the mean put right by them:"
        f" [Quality](/quality?project={project}&evaluator={evaluator})"
    )


def _progress(rows: Sequence[Mapping[str, Any]]) -> None:
    done = sum(len(row["annotators"]) >= row["wanted"] for row in rows)
    people = {name for row in rows for name in row["annotators"]}
    tiles = st.columns(4)
    tiles[0].metric("Drawn", len(rows))
    tiles[1].metric("Done", done)
    tiles[2].metric("Asked of two people", sum(row["wanted"] > 1 for row in rows))
    tiles[3].metric("Annotators", len(people))


def _annotator() -> str:
    """The login's name; without logins what one types."""
    if viewer().name:
        return viewer().name
    if not viewer().may("reviewer"):
        return ""
    name = st.text_input(
        "Your name, which stands beside your labels", key="annotator", max_chars=64
    ).strip()
    if not name:
        st.info("Type a name to begin.")
    return name


def _item(
    store: Store, project: str, evaluator: str, rows: Sequence[Mapping[str, Any]], annotator: str
) -> None:
    skipped = st.session_state.setdefault("skipped", [])
    open_ones = review.waiting(rows, annotator)
    left = [row for row in open_ones if row["trace_id"] not in skipped] or open_ones
    again = st.session_state.get("again")
    left = [row for row in rows if row["trace_id"] == again] or left
    if last := st.session_state.get("told"):
        st.success(literal(last), icon=":material/check:")
    if not left:
        if rows:
            st.info("Nothing is left for you here. Draw more below.")
        return
    item = left[0]
    spans_of = spans.trace_spans(store, project, item["trace_id"])
    st.caption(f"{len(open_ones)} left for you")
    if not spans_of:
        st.warning("This trace is gone: deleted, or past its retention.")
    choice = _asked(store, evaluator)
    if spans_of:
        with st.container(border=True):
            _texts(spans_of)
    comment = st.text_input("Comment", key=f"comment-{item['trace_id']}", max_chars=1000)
    # The item is in the key: a second press, made before the next item is drawn, must not label it.
    buttons = st.columns(len(choice) + 2)
    for n, (label, value, key) in enumerate(choice):
        if spans_of and buttons[n].button(
            label,
            shortcut=key,
            key=f"say-{label}-{item['trace_id']}",
            width="stretch",
            type="primary",
        ):
            review.say(store, project, evaluator, item, annotator, label, value, comment)
            st.session_state["told"] = _revealed(store, project, evaluator, item, label)
            st.session_state["last"] = item["trace_id"]
            st.session_state.pop("again", None)
            st.rerun()
    if buttons[-2].button("Later", shortcut="L", key=f"later-{item['trace_id']}", width="stretch"):
        skipped.append(item["trace_id"])
        st.session_state.pop("again", None)
        st.rerun()
    if buttons[-1].button(
        "Back", shortcut="B", key="back", width="stretch", disabled="last" not in st.session_state
    ):
        st.session_state["again"] = st.session_state["last"]
        st.rerun()


def _asked(store: Store, evaluator: str) -> list[tuple[str, float, str]]:
    """(label, what it is worth, its key) of an evaluator, under the question that it answers."""
    rubric = control.read(store).rubrics.get(evaluator)
    if rubric is None:
        st.subheader(QUESTIONS.get(evaluator, f"Is this good, as {evaluator} means it?"))
        return [("Yes", 1.0, "Y"), ("No", 0.0, "N")]
    st.subheader(literal(rubric.criteria[:500]))
    return [(name, value, str(n)) for n, (name, value) in enumerate(rubric.labels, 1)][:9]


def _texts(found: Sequence[Mapping[str, Any]]) -> None:
    root = next((span for span in found if not span["parent_span_id"]), found[0])
    st.caption("Question")
    st.text(_cut(root["input"]) or "(empty)")
    st.caption("Answer")
    st.text(_cut(root["output"]) or "(empty)")
    documents = list(dict.fromkeys(text for span in found for text in span["documents"]))
    if documents:
        st.caption(f"{len(documents)} documents")
    for n, text in enumerate(documents[:20], 1):
        with st.expander(f"Document {n}", expanded=n <= 3):
            st.text(_cut(text))


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n... ({len(text) - LONGEST:,} more characters: see the trace)"


def _revealed(
    store: Store, project: str, evaluator: str, item: Mapping[str, Any], label: str
) -> str:
    """What the judge said, told only once the label is stored."""
    mine = [
        row for row in scores.trace_scores(store, project, item["trace_id"])
        if row["evaluator"] == evaluator and row["status"] == "scored"
    ]  # fmt: skip
    judge = f"{evaluator} said {mine[-1]['value']:.2f}" if mine else f"{evaluator} has no score"
    return f"Stored: {label}. {judge} (trace {item['trace_id'][:8]})."


def _more(store: Store, project: str, evaluator: str, author: str, *, empty: bool) -> None:
    with st.expander("Draw items", expanded=empty):
        left, right = st.columns(2)
        mode = MODES[left.radio("How", list(MODES), key="draw-mode")]
        left.caption(
            "Every scored trace has the same chance."
            if mode == RANDOM
            else "Traces whose score is near the threshold are drawn more often; each has some"
            " chance, which is stored and weighs its label."
        )
        wanted = right.number_input("About how many", 1, 5000, 50, key="draw-many")
        share = right.slider("Share that two people label", 0, 100, 20, 5, "%d%%", key="draw-twice")
        start, end = period.chosen(store, project, right, default=168)
        centre = 0.5
        if mode == INFORMATIVE:
            centre = left.slider("Threshold", 0.0, 1.0, 0.5, 0.05, key="draw-centre")
        if st.button("Draw", key="draw", icon=":material/casino:"):
            version = labels.latest_version(store, project, evaluator)
            number = review.draw(
                store, project, evaluator, version, (start, end), mode=mode, wanted=int(wanted),
                twice=share / 100, author=author, centre=centre,
            )  # fmt: skip
            st.session_state["told"] = (
                f"{number} items were drawn of what {evaluator} {version} scored."
                if number
                else "Nothing new was drawn: all that was scored in this period is in the queue,"
                " or chance left the rest out."
            )
            st.rerun()


def _between_people(store: Store, project: str, evaluator: str) -> None:
    told = labels.labels(store, project, evaluator)
    st.subheader("Agreement between people")
    found = review.pairs(told)
    if not found:
        st.caption("No item has labels of two people yet.")
        return
    traces, one, other = zip(*found, strict=True)
    first, second = np.array(one), np.array(other)
    same = float(((first >= agreement.CUT) == (second >= agreement.CUT)).mean())
    measured = agreement.agreement(first, second, list(traces))
    kappa, text = measured.kappa, "not defined: all said the same"
    if not math.isnan(kappa.value):
        text = f"{kappa.value:.2f}"
        if not math.isnan(kappa.low):
            text += f" (95%: {kappa.low:.2f} to {kappa.high:.2f})"
    st.markdown(
        f"Of {len(found)} items that two people labelled, they agree on {same:.0%}; kappa {text}."
    )
