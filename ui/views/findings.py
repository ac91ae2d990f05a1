"""What broke: each finding with segment, moment, evidence, examples and deliveries."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import findings, scores, spans
from ui import charts
from ui.data import literal, trace_link

# What a detector counts, where it compares two means.
UNITS = {"mean_shift": "sessions", "e_detector": "days", "missing_field": "spans"}


def render(store: Store, project: str) -> None:
    st.title("Findings")
    found = findings.list_findings(store, project)
    if not found:
        rows = scores.evaluators(store, project)
        names = ", ".join(f"{r['evaluator']} ({r['scored']} scored)" for r in rows) or "no score"
        st.info(
            f"No finding. Watched: {literal(names)}. This is not proof of no change: small effects,"
            " and windows with fewer than 200 scored traces, are not detected."
        )
    for finding in found:
        _finding(store, project, finding)
    if findings.list_deliveries(store, project):
        st.markdown(f"What was sent: [alerts](/alerts?project={project})")


def segment_name(segment: dict[str, str]) -> str:
    return " and ".join(f"{k}={v}" for k, v in segment.items()) or "all traffic"


def _finding(store: Store, project: str, finding: dict[str, Any]) -> None:
    details = json.loads(finding["details"])
    segment = json.loads(finding["segment"])
    name = segment_name(segment)
    with st.container(border=True):
        st.subheader(literal(f"{finding['signal']}: {name}"))
        st.markdown(literal(details.get("sentence", "")))
        if unit := UNITS.get(finding["detector"]):
            tiles = st.columns(4)
            tiles[0].metric(
                f"Before ({finding['n_reference']} {unit})", f"{finding['mean_reference']:.3f}"
            )
            tiles[1].metric(
                f"After ({finding['n_current']} {unit})", f"{finding['mean_current']:.3f}"
            )
            low, high = finding["effect_low"], finding["effect_high"]
            tiles[2].metric("Effect", f"{finding['effect']:+.3f}")
            tiles[2].caption(f"95% interval {low:+.3f} to {high:+.3f}, p={finding['p_value']:.2g}")
            if finding["detector"] == "mean_shift":
                tiles[3].metric("Share explained", f"{finding['share_explained']:.0%}")
                _chart(store, project, finding, details, segment, name)
            elif finding["detector"] == "e_detector":
                link = f"/drift?project={project}&signal={finding['signal']}"
                tiles[3].markdown(f"[Day by day]({link})")
        if details.get("candidates"):
            st.caption("Candidate segments at this onset, strongest first")
            frame = pd.DataFrame(
                {
                    "segment": segment_name(c["segment"]),
                    "effect": f"{c['effect']:+.3f}",
                    "95% interval": f"{c['effect_low']:+.3f} to {c['effect_high']:+.3f}",
                    "share of the change": f"{c['share']:.0%}" if c["share"] else "",
                    "sessions": c["n"],
                }
                for c in details["candidates"]
            )
            st.dataframe(frame, hide_index=True)
        for side, ids in details.get("examples", {}).items():
            links = " · ".join(f"[{i[:8]}]({trace_link(project, i)})" for i in ids)
            st.markdown(f"Examples {side}: {links}")


def _chart(
    store: Store, project: str, finding: dict[str, Any], details: dict[str, Any],
    segment: dict[str, str], name: str,
) -> None:  # fmt: skip
    first, last = spans.time_range(store, project)
    rows = scores.observations(
        store, project, finding["signal"], details.get("version", ""), first, last + 1
    )
    inside = [r for r in rows if segment.items() <= r.segment.items()]
    rest = [r for r in rows if not segment.items() <= r.segment.items()]
    parts = [charts.hourly(inside, 4, name)]
    if rest:
        parts.append(charts.hourly(rest, 4, "the rest"))
    frame = pd.concat(parts)
    st.altair_chart(charts.trend(frame, finding["onset_ms"]))
