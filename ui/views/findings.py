"""What broke: the findings, and one of them as a page from what happened to an example trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import findings, scores
from ui import clock, links
from ui.data import literal
from ui.finding import ask, page
from ui.finding.segments import name
from ui.plain import visible

STATES = {"confirmed": "confirmed", "uncalibrated": "uncalibrated: too little history to be sure",
          "observed": "observed, not tested against an alarm rate"}  # fmt: skip


def render(store: Store, project: str) -> None:
    st.title("What broke")
    found = findings.list_findings(store, project)
    if not found:
        rows = scores.evaluators(store, project)
        names = ", ".join(f"{r['evaluator']} ({r['scored']} scored)" for r in rows) or "no score"
        st.info(
            f"No finding. Watched: {literal(names)}. This is not proof of no change: small effects,"
            " and windows with fewer than 200 scored traces, are not detected."
        )
        ask.show(store, project, 0)
        return
    order = sorted(found, key=lambda f: f["status"] != "confirmed")
    ids = [f["finding_id"] for f in order]
    by_id = {f["finding_id"]: f for f in order}
    wanted = st.query_params.get("finding", ids[0])
    if wanted not in by_id:
        st.warning(literal(f"No finding {visible(wanted, 80)} in project {project}."))
        wanted = ids[0]
    if len(ids) > 1:
        wanted = st.selectbox(
            "Finding", ids, index=ids.index(wanted), format_func=lambda i: _label(by_id[i])
        )
    st.query_params["finding"] = wanted
    page.show(store, project, by_id[wanted], STATES.get(by_id[wanted]["status"], ""))
    if len(ids) > 1:
        _all(project, order)
    if findings.list_deliveries(store, project):
        links.link(st, "What was sent of it", "alerts", project, ":material/notifications:")
    ask.show(store, project, by_id[wanted]["onset_ms"] * 10**6)


def _label(finding: Mapping[str, Any]) -> str:
    when = clock.said(finding["onset_ms"] * 10**6, "%m-%d %H:%M")
    segment = name(json.loads(finding["segment"]))
    return visible(f"{finding['signal']}: {segment}, {when} ({finding['status']})", 200)


def _all(project: str, order: list[dict[str, Any]]) -> None:
    st.subheader("All findings")
    st.dataframe(
        pd.DataFrame(
            {
                "open": links.address("findings", project, finding=f["finding_id"]),
                "since": clock.local(f["onset_ms"] * 10**6),
                "signal": visible(f["signal"], 80),
                "segment": visible(name(json.loads(f["segment"])), 200),
                "effect": f"{f['effect']:+.3f}",
                "95% interval": f"{f['effect_low']:+.3f} to {f['effect_high']:+.3f}",
                "n": f["n_reference"] + f["n_current"],
                "state": f["status"],
            }
            for f in order
        ),
        hide_index=True,
        column_config={
            "open": st.column_config.LinkColumn("open", display_text="open", width=60),
            "since": clock.column("since"),
        },
    )
