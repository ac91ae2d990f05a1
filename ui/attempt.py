"""A test message to a destination, sent by the monitors, and what came back."""

from __future__ import annotations

import json
import time
from typing import Any

import pandas as pd
import streamlit as st

from schemas import tries
from schemas.clickhouse import Store
from schemas.logins import Person
from schemas.queries import questions
from ui import data, editing
from ui.data import literal
from ui.plain import visible

UNNAMED = "confirmed-finding"  # the alert that there is where none is configured
PATIENCE = 30  # seconds after which a page says that nobody answers


def show(store: Store, project: str, names: list[str], person: Person) -> None:
    """A button for each destination that concerns somebody who may edit; the answer of the last
    test stays on the page while it is open."""
    if not person.may("editor"):
        return
    rows = editing.documents(store, "alert")
    mine = {row["name"] for row in rows if editing.concerns(row, person)}
    names = [name for name in names if name in mine] if names else [UNNAMED]
    if not names:
        return
    st.subheader("Test")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.selectbox("Destination", names, key="test-name", width=320)
    if row.button("Send a test", key="test-send", icon=":material/send:"):
        fresh = data.fresh(store)
        st.session_state["tested"] = tries.ask(fresh, project, str(name), person.signature)
    st.caption("A firing message and a resolved one, past silences and the outbox; both say that"
               " they are a test.")  # fmt: skip
    if wanted := st.session_state.get("tested"):
        _await(store, project, wanted)


@st.fragment(run_every=2)
def _await(store: Store, project: str, wanted: str) -> None:
    found = questions.question(store, project, wanted)
    if found is None:
        return
    name = visible(tries.wanted(found["document"]), 80)
    if found["status"] == "waiting":
        late = time.time() - found["asked_ms"] / 1000 > PATIENCE
        st.info(literal(
            f"The monitors have not sent the test of {name} yet: are they running?" if late
            else f"Sending a test of {name} …"
        ))  # fmt: skip
        return
    said = json.loads(found["answer"])
    if found["status"] == "failed":
        st.warning(literal(visible(str(said.get("error", "")), 500)))
    else:
        _answered(name, said)


def _answered(name: str, said: dict[str, Any]) -> None:
    answers = said["answers"]
    where = literal(visible(f"{name}: {said['sink']} {said['target']}".rstrip(), 300))
    if all(each["delivered"] for each in answers):
        st.success(f"Taken by {where}", icon=":material/check:")
    else:
        st.error(f"Not taken by {where}", icon=":material/error:")
    st.dataframe(
        pd.DataFrame(
            {
                "message": each["state"],
                "delivered": "yes" if each["delivered"] else "no",
                "answer": str(each["code"] or "none"),
                "words": visible(each["text"], 300),
            }
            for each in answers
        ),
        hide_index=True,
    )
