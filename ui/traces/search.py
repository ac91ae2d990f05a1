"""The search box, its conditions as chips, and a form that writes one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from schemas.filters import NUMBERS, OPERATORS, TEXTS, Condition, Query, parse
from ui.data import literal
from ui.plain import visible

KEY = "search"
HELP = (
    "Words of input, output and documents, a span's name, or a trace id. Conditions: field,"
    f" operator ({' '.join(OPERATORS)}) and value without spaces, or all of it in quotes. Fields: "
    f"{', '.join(TEXTS)}; numbers: {', '.join(NUMBERS)}; score.NAME; anything else is an"
    " attribute of a span. = holds where some span has it, != where none has."
)


def box(where: Any) -> Query | None:
    """The query of the address; None where it cannot be read, which is then said."""
    said = where.text_input(
        "Search", key=KEY, bind="query-params", help=literal(HELP),
        placeholder="refund status=ERROR duration_ms>2000 score.groundedness<0.5",
        on_change=start_again,
    )  # fmt: skip
    try:
        query = parse(said)
    except ValueError as error:
        st.warning(literal(visible(str(error), 500)))
        return None
    row = st.container(horizontal=True, vertical_alignment="center")
    for n, one in enumerate(query.conditions):
        row.button(
            literal(visible(str(one), 80)), key=f"chip-{n}", icon=":material/close:",
            help="Take this condition away", on_click=_without, args=(query, n),
        )  # fmt: skip
    with row.popover("Add a filter", icon=":material/filter_alt:"):
        _form(query)
    return query


def _form(query: Query) -> None:
    fields = [*TEXTS, *NUMBERS, "score.groundedness", "score.answer_relevance", "score.refusal"]
    with st.form("filter", border=False, clear_on_submit=True):
        st.selectbox("Field, or an attribute's key", fields, key="filter-field",
                     accept_new_options=True)  # fmt: skip
        st.segmented_control("Operator", OPERATORS, default="=", key="filter-operator")
        st.text_input("Value", key="filter-value")
        st.form_submit_button("Add", on_click=_with, args=(query,))


def _with(query: Query) -> None:
    state = st.session_state
    field, operator = state.get("filter-field") or "", state.get("filter-operator") or "="
    if field:
        one = Condition(str(field), str(operator), str(state.get("filter-value", "")))
        state[KEY] = str(Query(query.words, (*query.conditions, one)))
    start_again()


def _without(query: Query, place: int) -> None:
    left = tuple(one for n, one in enumerate(query.conditions) if n != place)
    st.session_state[KEY] = str(Query(query.words, left))
    start_again()


def start_again() -> None:
    """Another search begins at its first page."""
    if "after" in st.query_params:
        del st.query_params["after"]
