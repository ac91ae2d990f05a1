"""Sessions: which conversations there were, and one of them turn by turn with its scores."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import sessions
from ui import period
from ui.data import literal, moment, trace_link


def render(store: Store, project: str) -> None:
    st.title("Sessions")
    start, end = period.chosen(store, project)
    rows = sessions.list_sessions(store, project, start, end)
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
                "session": f"/sessions?project={project}&session={row['session_id']}",
                "user": row["user_id"],
                "began": moment(row["start_ns"]),
                "minutes": (row["last_ns"] - row["start_ns"]) / 60e9,
                "turns": row["traces"],
                "failed spans": row["errors"],
                "tokens": row["tokens"],
                "cost": f"$ {row['cost_usd']:,.4f}",
            }
            for row in rows
        ),
        hide_index=True,
        height=min(400, 38 + 35 * len(rows)),
        column_config={
            "session": st.column_config.LinkColumn("session", display_text=r"session=(.*)"),
            "began": st.column_config.DatetimeColumn("began (UTC)", format="MM-DD HH:mm:ss"),
            "minutes": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    names = [row["session_id"] for row in rows]
    wanted = st.query_params.get("session", names[0])
    if wanted not in names:
        names.insert(0, wanted)
    session = st.selectbox("Conversation", names, index=names.index(wanted))
    st.query_params["session"] = session
    _conversation(store, project, session)


def _conversation(store: Store, project: str, session: str) -> None:
    turns = sessions.session_turns(store, project, session)
    if not turns:
        st.warning(literal(f"No session {session} in project {project}."))
        return
    judged = sessions.session_scores(store, project, [turn["trace_id"] for turn in turns])
    cost = sum(turn["cost_usd"] for turn in turns)
    st.caption(f"{len(turns)} turns, $ {cost:,.4f}; texts are shortened, a turn opens its trace")
    for number, turn in enumerate(turns, 1):
        with st.container(border=True):
            link = trace_link(project, turn["trace_id"])
            words = [f"[turn {number}]({link})", f"{moment(turn['start_ns']):%m-%d %H:%M:%S} UTC",
                     f"{turn['duration_ms']:,.0f} ms"]  # fmt: skip
            if turn["errors"]:
                words.append(f":red[{turn['errors']} failed]")
            words += [_score(*each) for each in judged.get(turn["trace_id"], [])]
            st.markdown(" · ".join(words))
            for who, text in (("user", turn["input"]), ("assistant", turn["output"])):
                if text:
                    with st.chat_message(who):
                        st.text(text)


def _score(name: str, status: str, value: float) -> str:
    said = f"{value:.2f}" if status == "scored" and math.isfinite(value) else status
    return literal(f"{name} {said}")
