"""A finding from top to bottom: the sentence, its figures, when, where, and whom to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import courses, sessions, spans, trace
from schemas.queries.traces import SEGMENT_COLUMNS
from ui import charts, clock, links, period, vega
from ui.data import literal
from ui.finding import segments
from ui.plain import visible

# What a detector counts, where it compares two means.
UNITS = {"mean_shift": "sessions", "e_detector": "days", "missing_field": "spans"}
HOUR_NS = 3600 * 10**9


def show(store: Store, project: str, finding: Mapping[str, Any], state: str) -> None:
    details = json.loads(finding["details"])
    segment = json.loads(finding["segment"])
    where = segments.name(segment)
    st.subheader(literal(visible(f"{finding['signal']}: {where}", 300)))
    if sentence := details.get("sentence"):
        st.markdown(literal(visible(sentence, 1000)))
    st.caption(literal(f"{state} · detector {finding['detector']}"))
    _figures(finding)
    _when(finding, details)
    if version := details.get("version"):
        _course(store, project, finding, version, segment, where)
    _tree(project, finding, details)
    _stages(details)
    _examples(store, project, finding, details, segment)
    row = st.container(horizontal=True)
    onset = finding["onset_ms"] * 10**6
    ends = {"from": period.written(onset), "to": period.written(onset + 48 * HOUR_NS)}
    links.link(row, "Its traces since then", "traces", project, ":material/list:",
               search=segments.search(segment), **ends)  # fmt: skip
    links.link(row, "The signal day by day", "drift", project, ":material/trending_down:",
               signal=finding["signal"])  # fmt: skip


def _figures(finding: Mapping[str, Any]) -> None:
    unit = UNITS.get(finding["detector"])
    if not unit:
        return
    tiles = st.columns(4)
    tiles[0].metric("Before", f"{finding['mean_reference']:.3f}")
    tiles[0].caption(f"{finding['n_reference']} {unit}")
    tiles[1].metric("After", f"{finding['mean_current']:.3f}")
    tiles[1].caption(f"{finding['n_current']} {unit}")
    low, high = finding["effect_low"], finding["effect_high"]
    tiles[2].metric("Effect", f"{finding['effect']:+.3f}")
    tiles[2].caption(f"95% interval {low:+.3f} to {high:+.3f}, p={finding['p_value']:.2g}")
    tiles[3].metric("Share explained", f"{finding['share_explained']:.0%}")
    tiles[3].caption("of the project's change")


def _when(finding: Mapping[str, Any], details: Mapping[str, Any]) -> None:
    at = finding["onset_ms"] * 10**6
    said = f"Since {clock.said(at)}"
    low, high = details.get("onset_low"), details.get("onset_high")
    said += f" (between {low} and {high})" if low and high else " (the likeliest moment)"
    new = details.get("appeared") or []
    if new:
        names = ", ".join(segments.name(each) for each in new[:8])
        said += f". First seen about then: {names}"
    elif finding["detector"] == "mean_shift":
        said += ". Nothing new appeared within two hours of it."
    st.markdown(literal(visible(said, 1000)), help=clock.utc(at))


def _around(store: Store, project: str, finding: Mapping[str, Any]) -> tuple[int, int]:
    """The three days before and after, as far as there are spans."""
    first, last = spans.time_range(store, project)
    at = finding["onset_ms"] * 10**6
    return max(first, at - 72 * HOUR_NS), min(last + 1, at + 72 * HOUR_NS)


def _course(
    store: Store, project: str, finding: Mapping[str, Any], version: str,
    segment: Mapping[str, str], where: str,
) -> None:  # fmt: skip
    """The means of the segment and of the rest, and how values lie before and after."""
    start, end = _around(store, project, finding)
    inside = dict(segment)
    if set(segment) - set(SEGMENT_COLUMNS):  # by an attribute: scores cannot be told apart by it
        inside, where = {}, "all traffic"
    signal, at = finding["signal"], finding["onset_ms"] * 10**6
    rows = courses.course(store, project, signal, version, start, end, 4 * 3600, segment=inside)
    if not rows:
        return
    mine = [row for row in rows if row.group != "out"]
    parts = [charts.blocks(mine, where)]
    if rest := [row for row in rows if row.group == "out"]:
        parts.append(charts.blocks(rest, "the rest"))
    vega.draw(charts.trend(pd.concat(parts), finding["onset_ms"]))
    (n, before), (k, after) = courses.values(
        store, project, signal, version, start, end, at, inside
    )
    if min(n, k) < 5:
        return
    st.caption(
        literal(f"{visible(signal, 80)} of {visible(where, 200)}, before (n {n:,}) and after"
                f" (n {k:,})")
    )  # fmt: skip
    vega.draw(charts.two_histograms(before, after, ("before", "after")))


def _tree(project: str, finding: Mapping[str, Any], details: Mapping[str, Any]) -> None:
    onset = finding["onset_ms"] * 10**6
    ends = {"from": period.written(onset), "to": period.written(onset + 48 * HOUR_NS)}

    def link(search: str) -> str:
        return links.address("traces", project, search=search, **ends)

    if found := details.get("candidates"):
        st.subheader("Where")
        st.caption(
            "Candidate segments at this onset, wider ones above the narrower that they hold. The"
            " finding names the one that stands out most. A share over 100% means that the rest"
            " moved the other way."
        )
        st.dataframe(
            segments.candidates(found, link), hide_index=True,
            column_config={
                "segment": st.column_config.TextColumn(width=340),
                "traces": st.column_config.LinkColumn("traces", display_text="show", width=60),
            },
        )  # fmt: skip


def _stages(details: Mapping[str, Any]) -> None:
    """Effects as a table, the largest first, with what was looked at; or why there is none."""
    rows, note = details.get("stages"), details.get("stages_note")
    if not rows and not note:
        return
    st.subheader("Which stage")
    if not rows:
        st.caption(literal(visible(f"Not told: {note}.", 500)))
        return
    of = details.get("stages_of") or {}
    named = [str(row["stage"]) for row in rows if row["named"]]
    where = segments.name(of.get("segment") or {})
    before, after = of.get("sessions", (0, 0))
    found = f"Beyond chance: {', '.join(named)}." if named else "No stage moved beyond chance."
    said = (
        f"{found} The mean of {where} went from {of.get('before', 0):.3f} to"
        f" {of.get('after', 0):.3f} ({before:,} sessions before the onset, {after:,} after)."
    )
    st.markdown(literal(visible(said, 600)))
    rest = {"stage": "unexplained", "change": of.get("unexplained", 0.0)}
    columns = of.get("columns") or {}
    st.dataframe(
        pd.DataFrame(
            {
                "stage": visible(str(row["stage"]), 200),
                "change": f"{row['change']:+.3f}",
                "interval": f"{row['low']:+.3f} to {row['high']:+.3f}" if "low" in row else "",
                "share of the change": (
                    "" if (share := row.get("share")) is None else f"{share:.0%}"
                ),
                "beyond chance": "yes" if row.get("named") else "",
                "told by": visible(_told_by(str(row["stage"]), columns), 200),
            }
            for row in [*rows, rest]
        ),
        hide_index=True,
        column_config={"told by": st.column_config.TextColumn(width=300)},
    )  # fmt: skip
    st.caption(
        "What replacing each stage's behaviour before the onset by that after it does to the mean."
        " Stages stand for what their columns show; `score` is what no column shows. Intervals are"
        " of sessions, 95% over all stages together."
    )


def _told_by(stage: str, columns: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(c for one in stage.split(" or ") for c in columns.get(one, ()))


def _examples(
    store: Store, project: str, finding: Mapping[str, Any], details: Mapping[str, Any],
    segment: Mapping[str, str],
) -> None:  # fmt: skip
    examples = details.get("examples") or {}
    if not any(examples.values()):
        return
    st.subheader("Examples")
    every = [each for ids in examples.values() for each in ids]
    asked = trace.previews(store, project, every, "input")
    answered = trace.previews(store, project, every, "output")
    judged = sessions.session_scores(store, project, every)
    columns = st.columns(max(2, len(examples)))
    for column, (side, ids) in zip(columns, examples.items(), strict=False):
        column.caption(f"**{literal(visible(str(side), 40))}**")
        for each in ids:
            with column.container(border=True):
                values = [v for who, state, v in judged.get(each, ())
                          if who == finding["signal"] and state == "scored"]  # fmt: skip
                told = f"{finding['signal']} {values[0]:.2f}" if values else each[:8]
                links.link(st, literal(visible(told, 100)), "trace", project,
                           ":material/account_tree:", trace=each)  # fmt: skip
                if each in asked:
                    st.text(visible(asked[each], 120))
                if each in answered:
                    st.text(visible("→ " + answered[each], 160))
