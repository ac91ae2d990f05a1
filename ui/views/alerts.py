"""Alerts: what was sent where and what came back, which rules and silences are in force."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from schemas import control
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.queries import findings
from ui.data import literal


def render(store: Store, project: str) -> None:
    st.title("Alerts")
    rows = findings.list_deliveries(store, project)
    waiting = sum(row["status"] == "pending" for row in rows)
    dead = sum(row["status"] == "dead" for row in rows)
    tiles = st.columns(3)
    tiles[0].metric("Delivered", sum(row["status"] == "delivered" for row in rows))
    tiles[1].metric("Waiting", waiting)
    tiles[2].metric("Given up", dead)
    if dead:
        st.error("Some were given up, for the reasons below. `assay alert test NAME` tries one.")
    st.subheader("Sent")
    if rows:
        st.dataframe(
            pd.DataFrame(_delivery(row) for row in rows), hide_index=True,
            column_config={"when": st.column_config.DatetimeColumn("when (UTC)",
                                                                   format="MM-DD HH:mm:ss")},
        )  # fmt: skip
    else:
        st.info("Nothing was sent for this project.")
    try:
        state = control.read(store)
    except ControlError as error:
        st.error(literal(f"Control state cannot be used: {error}"))
        return
    _policies("Destinations", "alerts", state.alerts)
    if not state.alerts:
        st.caption("Until then confirmed findings go to ASSAY_WEBHOOK_URL, or into the log.")
    _policies("Rules", "rules", state.rules)
    mine = {n: s for n, s in state.silences.items() if s.project in {"", project}}
    now = datetime.now(UTC)
    _policies("Silences", "silences", {n: s for n, s in mine.items() if s.ends > now})


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(row["body"])
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    return {
        "when": row["updated_at"],
        "state": row["status"],
        "alert": row["rule"],
        "message": body.get("title") or body.get("summary") or row["body"][:120],
        "severity": body.get("severity", ""),
        "to": f"{row['sink']} {row['target']}".strip(),
        "answer": row["response_code"] or "",
        "tries": row["attempts"],
        "error": row["error"],
    }


def _policies(title: str, section: str, found: Any) -> None:
    st.subheader(title)
    if not found:
        st.caption(f"None. They stand in `assay.yaml` under `{section}`: docs/alerts.md.")
        return
    shown = [
        {"name": name, **{k: _cell(v) for k, v in asdict(policy).items() if v not in ("", (), {})}}
        for name, policy in sorted(found.items())
    ]
    st.dataframe(pd.DataFrame(shown).fillna(""), hide_index=True)


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)
