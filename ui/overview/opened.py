"""What is open: confirmed findings, then alerts that wait or were given up."""

from __future__ import annotations

import json

import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import findings
from ui import clock, links
from ui.data import literal
from ui.plain import visible

MOST = 5


def show(store: Store, project: str) -> list[dict[str, object]]:
    """Draw it; the confirmed findings, the newest first."""
    found = findings.list_findings(store, project)
    mine = [f for f in found if f["status"] == "confirmed"]
    for finding in mine[:MOST]:
        sentence = json.loads(finding["details"]).get("sentence", finding["signal"])
        rose = finding["effect"] > 0
        # Of a score that rose nobody can say here whether that is good; a fall is never quiet.
        (st.warning if rose else st.error)(
            literal(visible(sentence, 600)),
            icon=":material/trending_up:" if rose else ":material/trending_down:",
        )
        links.link(
            st, f"What broke, since {clock.said(finding['onset_ms'] * 10**6, '%m-%d %H:%M')}",
            "findings", project, ":material/troubleshoot:",
            clock.utc(finding["onset_ms"] * 10**6), finding=finding["finding_id"],
        )  # fmt: skip
    if len(mine) > MOST:
        links.link(st, f"{len(mine) - MOST} more findings", "findings", project)
    if not mine:
        st.success("No confirmed finding.")
        rest = len(found)
        if rest:
            links.link(st, f"{rest} seen, not confirmed", "findings", project)
    sent = findings.list_deliveries(store, project)
    dead = sum(row["status"] == "dead" for row in sent)
    waiting = sum(row["status"] == "pending" for row in sent)
    if dead or waiting:
        st.warning(f"Alerts: {waiting} waiting to be sent, {dead} given up.")
        links.link(st, "Alerts", "alerts", project, ":material/notifications:")
    return mine
