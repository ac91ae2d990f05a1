"""Scores of one evaluator over time and by segment, and whether people agree with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.estimates.agreement import Agreement, Figure
from schemas.queries import canary, courses, labels, outcomes, scores, spans, traffic
from schemas.queries.courses import Block
from schemas.queries.traces import SEGMENT_COLUMNS
from schemas.queries.verdicts import width
from ui import canaries, charts, figures, period, quality, vega
from ui.connection import ahead
from ui.data import literal, summary, trace_link, zone

WHOLE = "all traffic"
GROUPS = 6  # lines of a chart


def render(store: Store, project: str) -> None:
    st.title("Quality")
    said = st.query_params.get("evaluator", "")
    ahead(
        store, partial(scores.evaluators, store, project), partial(spans.newest, store, project),
        *([partial(labels.latest_version, store, project, said)] if said else []),
    )  # fmt: skip
    known = scores.evaluators(store, project)
    if not known:
        st.info("Nothing has been scored in this project yet. `assay doctor` says whether the"
                " evaluators run.")  # fmt: skip
        return
    evaluator, version, column, (start, end) = _chosen(store, project, known)
    by = "" if column == WHOLE else column
    _ahead(store, project, evaluator, version, by, (start, end))
    canaries.warn(store, evaluator, version)
    _tiles(store, project, evaluator, version, (start, end))
    each = width(start, end)
    blocks = courses.course(store, project, evaluator, version, start, end, each, by)
    if blocks:
        st.subheader("Over time")
        vega.draw(figures.lines(_over_time(blocks, by), zone()[1]))
        st.caption(f"Means over traces, by windows of {each // 3600} h; intervals by session.")
    if blocks and by:
        found = courses.course(store, project, evaluator, version, start, end, column=by)
        _segments(project, quality.by_segment(found), by)
    _versions(known, evaluator)
    canaries.show(store, evaluator, version)
    _people(store, project, evaluator, version)
    _failures(store, project, evaluator, version, (start, end))


def _ahead(
    store: Store, project: str, evaluator: str, version: str, by: str, span: tuple[int, int]
) -> None:
    """Ask for all of the page at once."""
    mine = (store, project, evaluator, version)

    def people() -> None:
        if labels.labels(store, project, evaluator) and labels.whole(*mine):
            labels.of_labelled_units(*mine)

    ahead(
        store, people,
        partial(canary.doubtful_since, store, evaluator, version),
        partial(canary.runs, store, evaluator, version),
        partial(outcomes.outcomes, *mine, *span),
        partial(traffic.traffic, store, project, *span),
        partial(courses.course, *mine, *span),
        partial(courses.course, *mine, *span, width(*span), by),
        *([partial(courses.course, *mine, *span, column=by)] if by else []),
    )  # fmt: skip


def _chosen(
    store: Store, project: str, known: Sequence[dict[str, Any]]
) -> tuple[str, str, str, tuple[int, int]]:
    names = sorted({row["evaluator"] for row in known})
    places = st.columns([2, 2, 2, 1])
    evaluator = _select(places[0], "Evaluator", "evaluator", names)
    latest = labels.latest_version(store, project, evaluator)
    versions = [row["version"] for row in known if row["evaluator"] == evaluator]
    versions.sort(key=lambda version: version != latest)
    version = _select(places[1], "Version", "version", versions)
    column = _select(places[2], "By", "by", [WHOLE, *SEGMENT_COLUMNS])
    return evaluator, version, column, period.chosen(store, project, places[3])


def _select(where: Any, label: str, name: str, choice: Sequence[str]) -> str:
    """A choice that stands in the URL."""
    said = st.query_params.get(name, choice[0])
    index = list(choice).index(said) if said in choice else 0
    found = str(where.selectbox(label, choice, index=index))
    st.query_params[name] = found
    return found


def _tiles(store: Store, project: str, evaluator: str, version: str, span: tuple[int, int]) -> None:
    found = outcomes.outcomes(store, project, evaluator, version, *span)
    count = {
        status: sum(row["items"] for row in found if row["status"] == status)
        for status in ("scored", "unscored", "error")
    }
    traces = traffic.traffic(store, project, *span).traces
    whole = next(iter(courses.course(store, project, evaluator, version, *span)), None)
    mean, wide = summary(whole)
    tiles = st.columns(5)
    tiles[0].metric("Mean", mean)
    tiles[0].caption(wide or "of nothing")
    tiles[1].metric("Scored", f"{count['scored']:,}")
    tiles[2].metric("Unscored", f"{count['unscored']:,}")
    tiles[3].metric("Failed", f"{count['error']:,}")
    tiles[4].metric("Coverage", f"{count['scored'] / traces:.0%}" if traces else "-")
    tiles[4].caption(f"of {traces:,} traces")
    if whole is None:
        st.info("No score in this period: choose a longer one, or another version.")


def _over_time(rows: Sequence[Block], column: str) -> pd.DataFrame:
    groups: dict[str, list[Block]] = {}
    for row in rows:
        groups.setdefault((row.group or "(none)") if column else WHOLE, []).append(row)
    largest = sorted(groups, key=lambda name: -sum(row.n for row in groups[name]))[:GROUPS]
    return pd.concat([charts.blocks(groups[name], name) for name in largest])


def _segments(project: str, found: Sequence[quality.Mean], column: str) -> None:
    st.subheader(literal(f"By {column}"))
    vega.draw(figures.means(found[:20], "mean, 95% interval"))
    st.dataframe(
        pd.DataFrame(
            {
                column: row.name,
                "mean": row.mean,
                "95% from": row.low,
                "to": row.high,
                "n": row.n,
                "traces": ""
                if row.name == "(none)"
                else f"/traces?project={quote(project)}&search=" + quote(f'{column}="{row.name}"'),
            }
            for row in found
        ),
        hide_index=True,
        column_config={
            **{name: st.column_config.NumberColumn(format="%.3f")
               for name in ("mean", "95% from", "to")},
            "traces": st.column_config.LinkColumn("traces", display_text="show"),
        },
    )  # fmt: skip


def _versions(known: Sequence[dict[str, Any]], evaluator: str) -> None:
    mine = [row for row in known if row["evaluator"] == evaluator]
    if len(mine) < 2:
        return
    st.subheader("Versions")
    st.caption("Never averaged together: each version is another judge.")
    st.dataframe(pd.DataFrame(mine).drop(columns="evaluator"), hide_index=True)


def _people(store: Store, project: str, evaluator: str, version: str) -> None:
    st.subheader("Beside people")
    told = labels.labels(store, project, evaluator)
    whole = labels.whole(store, project, evaluator, version) if told else None
    link = f"[Review](/review?project={quote(project)}&evaluator={quote(evaluator)})"
    if not told or whole is None:
        st.info(f"No human labels yet, so nobody knows whether this judge is right: {link}.")
        return
    if whole.units > quality.MANY:
        rows = labels.of_labelled_units(store, project, evaluator, version)
        crossed = partial(labels.crossed, store, project, evaluator, version)
        found = quality.beside_people(rows, told, whole, crossed)
    else:  # few enough to be gathered one by one, which holds for few units too
        rows = labels.population(store, project, evaluator, version)
        found = quality.beside_people(rows, told)
    if not found.labelled:
        st.info(f"None of the labels is of a trace that this version scored: {link}.")
        return
    vega.draw(figures.means(found.means, "mean over all that is stored, 95% interval"))
    if len(found.means) == 1:
        st.caption("No label is of a probability sample, so the mean cannot be corrected.")
    else:
        st.caption(
            f"Corrected by prediction-powered inference ({found.means[1].how}); sessions are units."
        )
    for name, each in (("drawn", found.drawn), ("convenience", found.other)):
        if each is not None:
            _agreed(name, each)
    if found.bins:
        st.markdown("**Reliability**")
        vega.draw(figures.reliability(found.bins))


def _agreed(name: str, found: Agreement) -> None:
    yes_yes, yes_no, no_yes, no_no = found.confusion
    st.markdown(
        f"**Agreement on {found.items} {name} labels** of {found.units} sessions: kappa"
        f" {_figure(found.kappa)}, Spearman {_figure(found.spearman)}, AUROC"
        f" {_figure(found.auroc)}. Both yes {yes_yes}, judge alone {yes_no}, people alone"
        f" {no_yes}, both no {no_no}."
    )
    if found.uninformative:
        st.warning("Chance is not ruled out: too few labels, or a judge that does not know.")


def _figure(found: Figure) -> str:
    if math.isnan(found.value):
        return "not defined"
    if math.isnan(found.low):
        return f"{found.value:.2f} (too few sessions for an interval)"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _failures(
    store: Store, project: str, evaluator: str, version: str, span: tuple[int, int]
) -> None:
    rows = [
        row for row in outcomes.outcomes(store, project, evaluator, version, *span)
        if row["status"] != "scored"
    ]  # fmt: skip
    st.subheader("Not scored, by reason")
    if not rows:
        st.caption("Everything that the evaluator was asked about has a score.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "status": "failed" if row["status"] == "error" else row["status"],
                "reason": row["reason"] or "(none given)",
                "items": row["items"],
                "example": trace_link(project, row["example"]),
            }
            for row in rows
        ),
        hide_index=True,
        column_config={"example": st.column_config.LinkColumn("example", display_text="open")},
    )
