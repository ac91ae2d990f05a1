"""Settings of a project, read only: use and quota, keys, evaluators, policies, who changed what."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from schemas import control, keys
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.keys import ANY, ApiKey
from schemas.queries import scores, usage
from schemas.queries.control import history
from ui.data import literal

MINE = ("redaction", "retention", "quota")  # kinds whose documents are named after projects
ALL = ("evaluator", "monitor", "rubric")  # kinds that hold for every project


def render(store: Store, project: str) -> None:
    st.title("Settings")
    st.caption("Changed by `assay.yaml` with `assay apply`, and by `assay key`; shown here only.")
    _usage(store, project)
    try:
        _keys(keys.read(store), project)
        _evaluators(store, project)
        _audit(store, project)
    except ControlError as error:
        st.error(literal(f"Control state cannot be used: {error}"))


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
        frame = pd.DataFrame([days[day] for day in sorted(days, reverse=True)]).fillna(0)
        st.dataframe(frame, hide_index=True)
    else:
        st.caption("Nothing came in the last 14 days.")


def _keys(found: list[ApiKey], project: str) -> None:
    st.subheader("API keys")
    mine = [key for key in found if key.project in {project, ANY}]
    now = time.time_ns() // 10**6
    if not mine:
        st.caption(f"None for this project: `assay key create --project {project}`")
        return
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
    )


def _evaluators(store: Store, project: str) -> None:
    st.subheader("Evaluators")
    rows = scores.evaluators(store, project)
    if not rows:
        st.caption("None has scored this project yet.")
        return
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _audit(store: Store, project: str) -> None:
    st.subheader("Changes")
    rows = [row for row in history(store) if _concerns(row, project)][:200]
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
            "when": st.column_config.DatetimeColumn("when (UTC)", format="YYYY-MM-DD HH:mm:ss"),
            "to": st.column_config.TextColumn(width=480),
        },
    )


def _concerns(row: dict[str, Any], project: str) -> bool:
    if row["kind"] == keys.KIND:
        return json.loads(row["document"]).get("project") in {project, ANY}
    return row["kind"] in ALL or (row["kind"] in MINE and row["name"] in {project, "default"})


def _document(row: dict[str, Any]) -> str:
    found = json.loads(row["document"])
    found.pop("digest", None)
    return json.dumps(found)


def _when(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
