"""Saved views in the sidebar of every page: a link shows the same to whoever may open it."""

from __future__ import annotations

import streamlit as st

from schemas import views
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.logins import Person
from ui import data
from ui.data import literal


def sidebar(store: Store, project: str, page: str, person: Person) -> None:
    """This page's views first, then the others; and a form that saves what the address shows."""
    found = views.views(store, project, person)
    found.sort(key=lambda view: view.page != page)
    with st.sidebar.expander(f"Views ({len(found)})", icon=":material/bookmark:"):
        for view in found[:50]:
            left, right = st.columns([5, 1])
            what = "" if view.page == page else f" ({view.page})"
            left.markdown(f"[{literal(view.name)}{what}]({view.link})")
            mine = view.author == person.name or (view.shared and person.may("editor"))
            if mine and right.button("", icon=":material/delete:", key=f"drop-{view.id}",
                                     help=f"Remove {view.name[:40]}"):  # fmt: skip
                _remove(store, project, person, view.id)
        if not found:
            st.caption("None yet.")
        name = st.text_input("Name of this view", key="view-name", max_chars=views.LONGEST)
        shared = person.may("editor") and st.checkbox("For everybody", True, key="view-shared")
        if st.button("Save view", key="view-save"):
            try:
                views.save(data.fresh(store), project, person, name, page,
                           st.query_params.to_dict(), bool(shared))  # fmt: skip
            except ControlError as error:
                st.error(literal(str(error)))
                return
            st.rerun()


def _remove(store: Store, project: str, person: Person, view_id: str) -> None:
    try:
        views.remove(data.fresh(store), project, person, view_id)
    except ControlError as error:
        st.error(literal(str(error)))
        return
    st.rerun()
