"""Each evaluator's mean in the period and before, with all that it leaves out, and its course."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import courses
from schemas.queries.courses import Block
from schemas.queries.summary import ScoreSummary, summarise
from schemas.queries.verdicts import width
from ui import charts, links, period, vega
from ui.data import literal
from ui.plain import visible

COURSES = 4  # evaluators whose course is drawn without asking


def summaries(
    store: Store, project: str, versions: Sequence[Mapping[str, Any]], start: int, end: int
) -> list[tuple[ScoreSummary, ScoreSummary]]:
    """Of each evaluator's version the summary of the period and that of the one before it."""
    whole = (2 * start - end, end)
    return [
        (
            summarise(store, project, row["evaluator"], row["version"], start, end, whole=whole),
            summarise(
                store, project, row["evaluator"], row["version"], whole[0], start, whole=whole
            ),
        )
        for row in versions
    ]


def course(store: Store, project: str, name: str, version: str, start: int, end: int
           ) -> list[Block]:  # fmt: skip
    """An evaluator's means over the period and the one before it."""
    first = 2 * start - end
    return courses.course(store, project, name, version, first, end, width(first, end),
                          every=True, cut=start)  # fmt: skip


def show(
    store: Store, project: str, versions: Sequence[Mapping[str, Any]], start: int, end: int,
    broken: Mapping[str, int],
) -> list[ScoreSummary]:  # fmt: skip
    """Draw it; `broken` has the onset (ms) by signal. The summaries of the period."""
    st.subheader("Quality")
    if not versions:
        st.info("Nothing was scored yet: a trace is judged once it has been quiet for a while.")
        return []
    ordered = sorted(versions, key=lambda r: r["evaluator"] not in broken)
    found = summaries(store, project, ordered, start, end)
    tiles = st.columns(min(4, max(2, len(found))))
    for n, (now, was) in enumerate(found):
        with tiles[n % len(tiles)].container(border=True):
            _tile(project, now, was, start, end)
    _courses(store, project, [now for now, _ in found], start, end, broken)
    return [now for now, _ in found]


def _tile(project: str, now: ScoreSummary, was: ScoreSummary, start: int, end: int) -> None:
    shown, change = None, 0.0
    if now.scored and was.scored:
        change = now.mean - was.mean
        down = change - math.hypot(now.mean - now.low, was.high - was.mean)
        up = change + math.hypot(now.high - now.mean, was.mean - was.low)
        shown = f"{change:+.3f} [{down:+.3f}, {up:+.3f}]"
    name = visible(now.evaluator, 80)
    st.metric(literal(name), f"{now.mean:.3f}" if now.scored else "no score", shown,
              delta_color="off", delta_arrow="auto" if shown and change else "off")  # fmt: skip
    words = f"95%: {now.low:.3f} to {now.high:.3f}" if now.scored else "no mean"
    rest = [(now.unscored, "without what it needs"), (now.not_sampled, "not sampled"),
            (now.errors, "failed")]  # fmt: skip
    words += f"; n {now.scored:,} of {now.traffic:,}"
    words += "".join(f", {n:,} {what}" for n, what in rest if n)
    st.caption(literal(words), help=literal(visible(now.sentence(), 900)))
    between = {"from": period.written(start), "to": period.written(end + 10**9)}
    if now.scored and not any(ord(c) < 33 for c in now.evaluator):
        links.link(st, "Lowest scores", "traces", project,
                   search=f"score.{now.evaluator}<{now.mean:.3f}", **between)  # fmt: skip


def _courses(
    store: Store, project: str, found: Sequence[ScoreSummary], start: int, end: int,
    broken: Mapping[str, int],
) -> None:  # fmt: skip
    for now in [each for each in found if each.scored > 1][:COURSES]:
        rows = course(store, project, now.evaluator, now.version, start, end)
        frame = charts.blocks(rows, "")
        if len(frame) < 2:
            continue
        st.markdown(f"**{literal(visible(now.evaluator, 80))}**")
        vega.draw(charts.trend(frame, broken.get(now.evaluator)))
    worst = pd.DataFrame(
        {"evaluator": visible(each.evaluator, 80), "status": status,
         "reason": visible(reason, 300), "items": n}
        for each in found for status, reason, n in each.reasons
    )  # fmt: skip
    if len(worst):
        with st.expander(f"What has no score, and why ({worst['items'].sum():,})"):
            st.dataframe(worst, hide_index=True)
