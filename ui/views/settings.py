"""Settings of a project: use and quota, keys, evaluators, policies, users, who changed what."""

from __future__ import annotations

import json
import time
from typing import Any

import pandas as pd
import streamlit as st

from schemas import control, keys, logins
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.keys import ANY, ApiKey
from schemas.logins import Person
from schemas.queries import costs, scores, usage
from schemas.queries.control import history
from ui import data, editing, money
from ui.data import literal, local
from ui.viewer import viewer

MINE = ("redaction", "retention", "quota")  # kinds whose documents are named after projects
ALL = ("evaluator", "monitor", "rubric")  # kinds that hold for every project
WHOLE = (*ALL, "rule", "alert", "silence", "judge", "user")  # of those who see all projects
USED = {
    "spans": "spans stored", "logs": "log records", "metrics": "metric points",
    "calls": "model calls", "input_tokens": "input tokens", "output_tokens": "output tokens",
    "cost_usd": "cost", "unpriced": "calls without a price",
}  # fmt: skip
PRICED = 7  # days of which models are listed
PARTS = ("Project", "Keys", "Evaluators", "Users", "Changes")


def render(store: Store, project: str) -> None:
    st.title("Settings")
    st.caption(
        "What `assay.yaml` owns is changed there and shown here; the rest is changed here, and"
        " takes effect within seconds."
    )
    person = viewer()
    try:
        for place, show in zip(
            st.tabs(PARTS), (_project, _keys, _evaluators, _users, _audit), strict=True
        ):
            with place:
                show(store, project, person)
    except ControlError as error:
        st.error(literal(f"Control state cannot be used: {error}"))


def _project(store: Store, project: str, person: Person) -> None:
    _usage(store, project)
    names = [project, "default"]
    editing.section(store, "Retention", "retention", person, names)
    st.caption(
        "A change holds for what comes from now on; `assay retention --rewrite` carries it into"
        " what is stored."
    )
    editing.section(store, "Redaction", "redaction", person, names)
    editing.section(store, "Quota", "quota", person, names)
    _prices(store, project)


def _prices(store: Store, project: str) -> None:
    st.subheader("Prices")
    now = time.time_ns()
    rows = costs.by_model(store, project, now - PRICED * 86_400 * 10**9, now)
    st.caption(f"Of calls of the last {PRICED} days.")
    if not rows:
        st.caption("No model was called with tokens.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "model": row["model"],
                "calls": row["calls"],
                "cost": money.said(row["cost_usd"], row["unpriced"] < row["calls"]),
                "calls without a price": row["unpriced"],
                "prices from": ", ".join(row["sources"]),
            }
            for row in rows
        ),
        hide_index=True,
    )


def _usage(store: Store, project: str) -> None:
    st.subheader("Use")
    quota = control.quotas(store)
    mine = quota.get(project) or quota.get("default")
    kept = control.retentions(store).days(project)
    st.markdown(
        f"Rows are kept {f'{kept} days' if kept else 'for ever'}. "
        + (
            f"Quota a minute: {mine.items_per_minute:,.0f} items, {mine.mib_per_minute:,.0f} MiB"
            " (0: no limit)."
            if mine and any(mine.limits)
            else "There is no quota."
        )
    )
    days: dict[str, dict[str, Any]] = {}
    for row in [*usage.received(store, project, 14), *usage.used(store, project, 14)]:
        days.setdefault(row["day"], {}).update(row)
    if days:
        for row in days.values():
            usd, unpriced = row.get("cost_usd", 0), row.get("unpriced", 0)
            row["cost_usd"] = money.said(usd, usd or not unpriced) if row.get("calls") else ""
        frame = pd.DataFrame([days[day] for day in sorted(days, reverse=True)]).fillna(0)
        st.dataframe(frame.rename(columns=USED), hide_index=True)
        st.caption("Days are of UTC. What was stored counts on the day that it came, calls on the"
                   " day that they began.")  # fmt: skip
    else:
        st.caption("Nothing came in the last 14 days.")


def _keys(store: Store, project: str, person: Person) -> None:
    st.subheader("API keys")
    mine = [key for key in keys.read(store) if _sees(key, project, person)]
    now = time.time_ns() // 10**6
    if mine:
        st.dataframe(
            pd.DataFrame(
                {
                    "id": key.id,
                    "project": key.project,
                    "scopes": ", ".join(key.scopes),
                    "note": key.note,
                    "made": _when(key.created_at),
                    "expires": ("EXPIRED " if key.expired(now) else "") + _when(key.expires_at)
                    if key.expires_at
                    else "never",
                }
                for key in mine
            ),
            hide_index=True,
            column_config={
                name: st.column_config.TextColumn(help=data.zone_help())
                for name in ("made", "expires")
            },
        )
    else:
        st.caption("None for this project.")
    if not person.may("admin"):
        st.caption("An admin makes, rotates and revokes keys.")
        return
    if text := st.session_state.pop("new-key", None):
        st.success("The key is shown this once. Collectors take it within seconds.")
        st.code(text, language=None)
    with st.form("make-key", border=True):
        left, middle, right = st.columns(3)
        scopes = left.multiselect("Scopes", ["ingest", "read"], ["ingest"], key="key-scopes")
        days = middle.number_input("Days until it expires (0: never)", 0, 3650, 0, key="key-days")
        note = right.text_input("What it is for", key="key-note", max_chars=200)
        if st.form_submit_button("Make a key", key="key-make"):
            _, made = keys.create(
                data.fresh(store), project, scopes, float(days), note, person.signature
            )
            st.session_state["new-key"] = made
            st.rerun()
    theirs = [key.id for key in mine if key.project == project or not person.projects]
    if theirs:
        left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
        chosen = left.selectbox("Key", theirs, key="key-chosen")
        if middle.button("Rotate (the old one works 24 h more)", key="key-rotate"):
            st.session_state["new-key"] = keys.rotate(
                data.fresh(store), chosen, 24.0, person.signature
            )[1]
            st.rerun()
        if right.button("Revoke now", key="key-revoke"):
            keys.revoke(data.fresh(store), chosen, person.signature)
            st.rerun()


def _sees(key: ApiKey, project: str, person: Person) -> bool:
    """A key for any project concerns those who see every project."""
    return key.project == project or (key.project == ANY and not person.projects)


def _evaluators(store: Store, project: str, person: Person) -> None:
    st.subheader("What has scored")
    rows = scores.evaluators(store, project)
    if rows:
        st.dataframe(
            pd.DataFrame(rows).rename(columns={"errors": "failed"}), hide_index=True,
            column_config={"mean": st.column_config.NumberColumn(format="%.3f")},
        )  # fmt: skip
    else:
        st.caption("None has scored this project yet.")
    editing.section(store, "Evaluators", "evaluator", person)
    editing.section(store, "Rubrics", "rubric", person)
    if person.projects:
        return
    editing.section(store, "Judges", "judge", person)
    editing.section(store, "Monitors", "monitor", person, ["default"])


def _users(store: Store, project: str, person: Person) -> None:
    st.subheader("Users")
    found = [user for user in logins.read(store).values() if user.person.sees(project)]
    if not found:
        st.caption("None: whoever reaches this port is let in. `assay user add NAME --role admin`")
        return
    if not person.may("admin") or person.projects:
        st.caption("An admin of all projects sees who has access.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "name": user.name,
                "role": user.role,
                "projects": ", ".join(user.projects) or "all",
                "since": _when(user.created_at),
            }
            for user in found
        ),
        hide_index=True,
        column_config={"since": st.column_config.TextColumn(help=data.zone_help())},
    )
    st.caption("`assay user` adds, changes and removes them.")


def _audit(store: Store, project: str, person: Person) -> None:
    st.subheader("Changes")
    rows = [row for row in history(store) if _concerns(row, project, person)][:200]
    if not rows:
        st.caption("Nothing was changed.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "when": row["changed_at"],
                "who": row["author"],
                "what": f"{row['kind']} {row['name']}",
                "version": row["version"],
                "to": "removed" if row["deleted"] else _document(row),
            }
            for row in rows
        ),
        hide_index=True,
        column_config={
            "when": data.time_column("when"),
            "to": st.column_config.TextColumn(width=480),
        },
    )


def _concerns(row: dict[str, Any], project: str, person: Person) -> bool:
    if row["kind"] == keys.KIND:
        of = json.loads(row["document"]).get("project")
        return of == project or (of == ANY and not person.projects)
    if row["kind"] in WHOLE and not person.projects:
        return row["kind"] != logins.KIND or person.may("admin")
    return row["kind"] in ALL or (row["kind"] in MINE and row["name"] in {project, "default"})


def _document(row: dict[str, Any]) -> str:
    found = json.loads(row["document"])
    for secret in ("digest", "hash"):
        found.pop(secret, None)
    return json.dumps(found)


def _when(milliseconds: int) -> str:
    return local(milliseconds * 10**6)
