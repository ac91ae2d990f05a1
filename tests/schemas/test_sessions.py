"""Lists of sessions: the newest ones, whole, and those of one user."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import replace

import pytest

from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import sessions, spans

HOUR, DAY = 3600 * 10**9, 86_400 * 10**9
START = (time.time_ns() // DAY - 5) * DAY


def planted(name: str) -> list[SpanRow]:
    """300 traces of two spans over three days, most of 80 sessions of nine users; a session's user
    is named by its roots only."""
    draw, made = random.Random(3), []
    for n in range(300):
        of = draw.randrange(100)
        session = f"s{of}" if of < 80 else ""
        at = START + draw.randrange(3 * DAY - HOUR)
        root = SpanRow(
            name, f"{n + 1:032x}", f"{n + 1:016x}", at, name="ask", session_id=session,
            user_id=f"u{of % 9}", status=draw.choice(["OK", "ERROR"]), input_tokens=n,
        )  # fmt: skip
        child = replace(
            root, span_id=f"{n + 1:015x}c", parent_span_id=root.span_id, user_id="",
            start_time=at + draw.randrange(HOUR), cost_usd=draw.random(), status="OK",
        )  # fmt: skip
        made += [root, child]
    return made


@pytest.mark.parametrize(("limit", "user"), [(7, ""), (500, ""), (500, "u4"), (2, "u4")])
def test_the_newest_sessions_of_a_range_are_listed_whole(
    store: Store, limit: int, user: str
) -> None:
    name = f"sessions-{uuid.uuid4().hex[:8]}"
    rows = planted(name)
    spans.insert_spans(store, rows, name)
    spans.insert_spans(store, rows[::3], f"{name}-again")
    start, end = START + 5 * HOUR, START + 2 * DAY + 7 * HOUR
    inside: dict[str, list[SpanRow]] = {}
    for row in rows:
        if row.session_id and start <= row.start_time < end:
            inside.setdefault(row.session_id, []).append(row)
    wanted = [
        {
            "session_id": session, "user_id": next((r.user_id for r in of if r.user_id), ""),
            "start_ns": min(r.start_time for r in of), "last_ns": max(r.start_time for r in of),
            "traces": len({r.trace_id for r in of}), "spans": len(of),
            "errors": sum(r.status == "ERROR" for r in of),
            "tokens": sum(r.input_tokens for r in of),
            "cost_usd": pytest.approx(sum(r.cost_usd for r in of)),
        }
        for session, of in inside.items()
        if not user or user in {r.user_id for r in of}
    ]  # fmt: skip
    wanted.sort(key=lambda row: -row["last_ns"])
    found = sessions.list_sessions(store, name, start, end, limit, user)
    assert found == wanted[:limit] and found


def test_no_session_in_a_range_is_an_empty_list(store: Store) -> None:
    assert sessions.list_sessions(store, f"none-{uuid.uuid4().hex[:8]}", START, START + DAY) == []
