"""Documents of control state on a page: all are shown, those that the explorer owns are edited.

A document is text as in `assay.yaml`, so one form serves every kind, and its checks are the file's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
import yaml

from schemas import control
from schemas.clickhouse import Store
from schemas.control import ControlError, policy
from schemas.logins import Person
from ui import data
from ui.data import literal

OWNER = "ui"
# Kinds whose documents are named after projects, and what one must be to change them. Retention and
# redaction decide what is lost, judges and alerts where data is sent.
OF_PROJECTS = {"retention": "admin", "redaction": "admin", "quota": "admin"}
OF_ALL = {
    "evaluator": "editor", "rubric": "editor", "monitor": "editor", "rule": "editor",
    "alert": "admin", "judge": "admin",
}  # fmt: skip
WHERE = {"file": "assay.yaml", OWNER: "the explorer"}


def may(person: Person, kind: str, name: str) -> bool:
    """Whether somebody may change a document: what holds for more than their projects is not
    theirs."""
    if kind in OF_PROJECTS:
        mine = person.sees(name) if name != "default" else not person.projects
        return person.may(OF_PROJECTS[kind]) and mine
    return kind in OF_ALL and person.may(OF_ALL[kind]) and not person.projects


def documents(store: Store, kind: str, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Documents of a kind in force: columns of ControlRow; `names` None: all of them."""
    return [
        row
        for row in control.documents(store, kind)
        if not row["deleted"] and (names is None or row["name"] in names)
    ]


def as_text(document: str) -> str:
    """A stored document as one would write it in assay.yaml, without what it leaves as it is."""
    found = {k: v for k, v in json.loads(document).items() if v not in (None, "", [], {})}
    return str(yaml.safe_dump(found, sort_keys=False, allow_unicode=True))


def section(
    store: Store, title: str, kind: str, person: Person, names: Sequence[str] | None = None,
    none: str = "None: what comes with Assay holds.",
) -> None:  # fmt: skip
    """Every document of a kind (`none` says what it means that there is none); beside it, for who
    may, a form to change or remove it, and one for a new one of `names` (None: any name)."""
    st.subheader(title)
    rows = [row for row in documents(store, kind, names) if concerns(row, person)]
    for row in rows:
        owner = WHERE.get(row["owner"], row["owner"])
        mine = row["owner"] == OWNER and may(person, kind, row["name"])
        with st.expander(literal(f"{row['name']} (owned by {owner})")):
            if mine:
                _form(store, kind, row["name"], row, person)
            else:
                st.code(as_text(row["document"]), language="yaml")
                if row["owner"] == "file":
                    st.caption("Read-only here: change `assay.yaml`, then `assay apply`.")
    if not rows:
        st.caption(none)
    there = {row["name"] for row in rows}
    free = [name for name in names or [] if name not in there and may(person, kind, name)]
    if free or (names is None and may(person, kind, "")):
        with st.expander(f"New {kind}"):
            name = (
                st.selectbox("For", free, key=f"new-{kind}")
                if free
                else st.text_input("Name", key=f"new-{kind}", max_chars=64).strip()
            )
            if name and name not in there:
                _form(store, kind, str(name), None, person)


def concerns(row: Mapping[str, Any], person: Person) -> bool:
    """A rule or destination of other projects names them, which is not for everybody's eyes."""
    named = json.loads(row["document"]).get("projects") or []
    return not person.projects or not named or any(person.sees(name) for name in named)


def _form(
    store: Store, kind: str, name: str, row: Mapping[str, Any] | None, person: Person
) -> None:
    version = int(row["version"]) if row else _version(store, kind, name)
    turn = st.session_state.get(f"turn-{kind}-{name}", 0)
    key = f"{kind}-{name}-{turn}"
    # What the text was made from: another's change meanwhile must not be written over unseen.
    seen = st.session_state.setdefault(f"seen-{key}", version)
    text = st.text_area(
        "As in assay.yaml", as_text(row["document"]) if row else "", key=f"text-{key}", height=160
    )
    left, right = st.columns(2)
    if left.button("Save", key=f"save-{key}", type="primary"):
        _store(store, kind, name, text, seen, person)
    if row and right.button("Remove", key=f"remove-{key}"):
        _store(store, kind, name, None, seen, person)


def _version(store: Store, kind: str, name: str) -> int:
    rows = [row for row in control.documents(store, kind) if row["name"] == name]
    return int(rows[0]["version"]) if rows else 0


def _store(store: Store, kind: str, name: str, text: str | None, seen: int, person: Person) -> None:
    if not may(person, kind, name):
        st.error("That is not yours to change.")
        return
    try:
        after = None if text is None else policy(kind, yaml.safe_load(text) or {}, name)
        control.change(data.fresh(store), (kind, name), after, seen, OWNER, person.signature)
    except (ControlError, yaml.YAMLError) as error:
        st.error(literal(str(error)))
        if "meanwhile" in str(error):  # the next look is at what stands there now
            _next(kind, name)
        return
    _next(kind, name)
    st.toast("Stored; running processes take it within seconds.")
    st.rerun()


def _next(kind: str, name: str) -> None:
    turn = f"turn-{kind}-{name}"
    st.session_state[turn] = st.session_state.get(turn, 0) + 1
