"""Alerts: what was sent where and what came back, which rules and silences are in force."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from schemas import control
from schemas.alerting import SilencePolicy
from schemas.clickhouse import Store
from schemas.control import Control, ControlError
from schemas.logins import Person
from schemas.queries import findings
from ui import attempt, data, editing
from ui.data import in_utc, literal, local
from ui.viewer import viewer

LENGTHS = {"30 minutes": 0.5, "2 hours": 2, "8 hours": 8, "1 day": 24, "1 week": 168}


def render(store: Store, project: str) -> None:
    st.title("Alerts")
    rows = [_delivery(row) for row in findings.list_deliveries(store, project)]
    counts = [sum(row["delivery"] == s for row in rows) for s in ("delivered", "pending", "dead")]
    tiles = st.columns(4)
    now = _latest(rows)
    tiles[0].metric("Firing", sum(row["state"] == "firing" for row in now))
    for tile, name, count in zip(
        tiles[1:], ("Delivered", "Waiting", "Given up"), counts, strict=True
    ):
        tile.metric(name, count)
    if counts[2]:
        st.error(
            "Some were given up, for the reasons below. A test at the end of this page tries a"
            " destination."
        )
    try:
        state = control.read(store)
    except ControlError as error:
        st.error(literal(f"Control state cannot be used: {error}"))
        state = None
    _states(now)
    _sent(rows)
    if state is None:
        return
    person = viewer()
    _silences(store, project, person, state)
    editing.section(store, "Rules", "rule", person, none="None: only findings are sent.")
    editing.section(
        store, "Destinations", "alert", person,
        none="None: confirmed findings go to ASSAY_WEBHOOK_URL, or into the log.",
    )  # fmt: skip
    attempt.show(store, project, list(state.alerts), person)


def _latest(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest message of each alert, newest first: `rows` are in that order."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if not row["group"]:  # its alerts have rows of their own
            found.setdefault(row["key"], row)
    return list(found.values())


def _states(now: Sequence[dict[str, Any]]) -> None:
    st.subheader("State")
    if not now:
        st.info("Nothing has fired in this project.")
        return
    names = ("state", "when", "message", "severity")
    st.dataframe(
        pd.DataFrame({name: row[name] for name in names} for row in now[:100]), hide_index=True,
        column_config={"when": data.time_column("since")},
    )  # fmt: skip


def _sent(rows: Sequence[dict[str, Any]]) -> None:
    st.subheader("Sent")
    if not rows:
        st.info("Nothing was sent for this project.")
        return
    names = ("when", "delivery", "answer", "message", "state", "to", "tries", "error", "alert")
    st.dataframe(
        pd.DataFrame({name: row[name] for name in names} for row in rows[:1000]), hide_index=True,
        column_config={"when": data.time_column("when", "MM-DD HH:mm:ss", width=130),
                       "message": st.column_config.TextColumn(width=280)},
    )  # fmt: skip


def _silences(store: Store, project: str, person: Person, state: Control) -> None:
    st.subheader("Silences")
    now = datetime.now(UTC)
    owners = {row["name"]: row["owner"] for row in control.documents(store, "silence")}
    there = {
        name: silence
        for name, silence in state.silences.items()
        if silence.project in {"", project} and silence.ends > now
    }
    for name, silence in there.items():
        left, right = st.columns([5, 1])
        ends = int(silence.ends.timestamp() * 1e9)
        only = f" for {silence.project}" if silence.project else " for every project"
        why = f" ({silence.reason})" if silence.reason else ""
        left.text(f"{name}{only} until {local(ends)}{why}", help=in_utc(ends))
        if _may_end(person, project, silence, owners[name]) and right.button(
            "End", key=f"end-{name}"
        ):
            control.put(data.fresh(store), ("silence", name), None, owners[name], person.signature)
            st.rerun()
    if not there:
        st.caption("Nothing is silenced.")
    if not person.may("editor"):
        return
    with st.form("silence", border=True):
        names = ["all", *state.alerts, *state.rules, "a signal"]
        one, two, three, four = st.columns(4)
        what = one.selectbox("What", names, key="silence-what")
        signal = two.text_input("Signal, if one", key="silence-signal", max_chars=64).strip()
        length = three.selectbox("For", list(LENGTHS), key="silence-for")
        reason = four.text_input("Why", key="silence-why", max_chars=200)
        if st.form_submit_button("Silence", key="silence-set"):
            name = signal if what == "a signal" else str(what)
            _silence(store, name, project, LENGTHS[str(length)], reason, person, state.silences)


def _may_end(person: Person, project: str, silence: SilencePolicy, owner: str) -> bool:
    mine = silence.project == project or not person.projects
    return person.may("editor") and mine and owner != "file"


def _silence(
    store: Store, name: str, project: str, hours: float, reason: str, person: Person,
    there: Mapping[str, SilencePolicy],
) -> None:  # fmt: skip
    other = there.get(name)
    if not name:
        st.error("Name the signal that is to be silent.")
    elif other and other.ends > datetime.now(UTC) and other.project != project:
        st.error(literal(f"{name} is silenced already, for {other.project or 'every project'}."))
    else:
        until = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")
        fresh = data.fresh(store)
        owner = next(
            (r["owner"] for r in control.documents(fresh, "silence")
             if r["name"] == name and not r["deleted"] and r["owner"] == "cli"), editing.OWNER,
        )  # fmt: skip
        try:
            document = SilencePolicy(until, project, reason)
            control.put(fresh, ("silence", name), document, owner, person.signature)
        except ControlError as error:
            st.error(literal(str(error)))
            return
        st.rerun()


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(row["body"])
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    return {
        "key": body.get("key") or row["finding_id"] or row["delivery_id"],
        "group": bool(body.get("members")),
        "when": row["updated_at"],
        "state": body.get("state", ""),
        "delivery": row["status"],
        "alert": row["rule"],
        "message": body.get("title") or body.get("summary") or row["body"][:120],
        "severity": body.get("severity", ""),
        "to": f"{row['sink']} {row['target']}".strip(),
        "answer": row["response_code"] or "",
        "tries": row["attempts"],
        "error": row["error"],
    }
