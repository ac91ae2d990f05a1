"""Sessions: which conversations there were, and one of them turn by turn with its scores."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import sessions
from ui import clock, links, money, period
from ui.connection import ahead
from ui.data import literal
from ui.plain import visible


def render(store: Store, project: str) -> None:
    st.title("Sessions and users")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    user = left.text_input("User", key="user", bind="query-params", placeholder="all users")
    start, end = period.chosen(store, project, right)
    found = user.strip()
    # Users are counted from all spans of the period: only for somebody who looks at them.
    most = st.expander("Users by cost", key="users", bind="query-params")
    ahead(
        store, partial(sessions.list_sessions, store, project, start, end, user=found),
        *([lambda: _judged(store, project, (start, end))] if most.open else []),
    )  # fmt: skip
    if most.open:
        with most:
            _users(store, project, (start, end))
    rows = sessions.list_sessions(store, project, start, end, user=found)
    if not rows and user:
        st.info(literal(f"No session of user {visible(user, 80)} in this time."))
        return
    if not rows:
        st.info(
            "No session in this time. Spans name theirs by `session.id`"
            " (or `gen_ai.conversation.id`, `langfuse.session.id`)."
        )
        return
    st.caption(f"Newest {len(rows)} sessions.")
    st.dataframe(
        pd.DataFrame(
            {
                "session": links.address("sessions", project, session=row["session_id"]),
                "user": visible(row["user_id"], 100),
                "began": clock.local(row["start_ns"]),
                "minutes": (row["last_ns"] - row["start_ns"]) / 60e9,
                "turns": row["traces"],
                "failed spans": row["errors"],
                "tokens": row["tokens"],
                "cost": money.said(row["cost_usd"], row["cost_usd"]),
            }
            for row in rows
        ),
        hide_index=True,
        height=min(400, 38 + 35 * len(rows)),
        column_config={
            "session": st.column_config.LinkColumn("session", display_text=r"session=([^&]*)"),
            "began": clock.column("began"),
            "minutes": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    names = [row["session_id"] for row in rows]
    wanted = st.query_params.get("session", names[0])
    if wanted not in names:
        names.insert(0, wanted)
    session = st.selectbox("Conversation", names, index=names.index(wanted),
                           format_func=lambda name: visible(name, 120))  # fmt: skip
    st.query_params["session"] = session
    _conversation(store, project, session)


def _conversation(store: Store, project: str, session: str) -> None:
    turns = sessions.session_turns(store, project, session)
    if not turns:
        st.warning(literal(f"No session {visible(session, 120)} in project {project}."))
        return
    judged = sessions.session_scores(store, project, [turn["trace_id"] for turn in turns])
    cost = sum(turn["cost_usd"] for turn in turns)
    paid = f", {money.said(cost, True)}" if cost else ""
    st.caption(f"{len(turns)} turns{paid}; texts are shortened, a turn opens its trace")
    for number, turn in enumerate(turns, 1):
        with st.container(border=True):
            row = st.container(horizontal=True, vertical_alignment="center")
            links.link(row, f"turn {number}", "trace", project, trace=turn["trace_id"])
            words = [clock.said(turn["start_ns"], "%m-%d %H:%M:%S"),
                     f"{turn['duration_ms']:,.0f} ms"]  # fmt: skip
            if turn["cost_usd"]:
                words.append(money.said(turn["cost_usd"], True, 5))
            if turn["errors"]:
                words.append(f":red[{turn['errors']} failed]")
            words += [_score(*each) for each in judged.get(turn["trace_id"], [])]
            row.markdown(" · ".join(words), help=clock.utc(turn["start_ns"]))
            for who, text in (("user", turn["input"]), ("assistant", turn["output"])):
                if text:
                    with st.chat_message(who):
                        st.text(visible(text))


def _score(name: str, status: str, value: float) -> str:
    said = f"{value:.2f}" if status == "scored" and math.isfinite(value) else status
    return literal(visible(f"{name} {said}", 120))


def _judged(
    store: Store, project: str, span: tuple[int, int]
) -> dict[str, list[tuple[str, float, float, int]]]:
    rows = sessions.users(store, project, *span)
    return sessions.user_scores(store, project, *span, [row["user_id"] for row in rows])


def _users(store: Store, project: str, span: tuple[int, int]) -> None:
    """Who cost most in this time, and how good the answers to each were."""
    rows = sessions.users(store, project, *span)
    if not rows:
        st.caption("No span in this time names a user (`user.id`).")
        return
    judged = _judged(store, project, span)
    names = sorted({name for each in judged.values() for name, *_ in each})
    st.dataframe(
        pd.DataFrame(
            {
                "user": links.address("sessions", project, user=row["user_id"]),
                "cost": row["cost_usd"],
                "a trace": row["cost_usd"] / max(1, row["traces"]),
                "tokens": row["tokens"],
                "sessions": row["sessions"],
                "traces": row["traces"],
                "failed": row["failed"],
                **{
                    visible(name, 80): _mean(judged.get(row["user_id"], []), name) for name in names
                },
                "seen last": clock.local(row["last_ns"]),
            }
            for row in rows
        ),
        hide_index=True,
        column_config={
            "user": st.column_config.LinkColumn("user", display_text=r"user=([^&]*)"),
            "cost": st.column_config.NumberColumn(format="$ %.4f"),
            "a trace": st.column_config.NumberColumn(format="$ %.5f"),
            "seen last": clock.column("seen last"),
        },
    )
    st.caption(f"The {len(rows)} dearest. Means of each evaluator's newest version over n"
               " traces, with 95% intervals by session.")  # fmt: skip


def _mean(found: list[tuple[str, float, float, int]], name: str) -> str:
    for who, mean, half, n in found:
        if who == name:
            wide = f" ± {half:.2f}" if math.isfinite(half) else ""
            return f"{mean:.2f}{wide} (n {n:,})"
    return ""
