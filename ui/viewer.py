"""Who looks at a page, for its views: what they may see and change."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit import runtime

from schemas.logins import NOBODY, Person
from ui.gate import gate


def cookies() -> Mapping[str, str]:
    return st.context.cookies if runtime.exists() else {}


def arrived() -> Person | None:
    """Who the browser's cookie stands for, as of now; None where the login has ended."""
    person = gate().person(cookies())
    st.session_state["viewer"] = person or NOBODY
    return person


def viewer() -> Person:
    """Who looks; a viewer without a name where no page asked who arrived."""
    found = st.session_state.get("viewer", NOBODY)
    return found if isinstance(found, Person) else NOBODY
