"""Sums of days and of blocks of hours are what the hours and the rows say, whatever lies where."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.hours import blocks, rolled
from schemas.hours.rolled import Known
from schemas.models import SpanRow
from schemas.queries import courses, scores, summary, verdicts
from schemas.settings import Settings
from tests.schemas.hours.filled import Filled, plain, same

HOUR, DAY = 3600 * 10**9, 86_400 * 10**9
START = (time.time_ns() // DAY - 7) * DAY + 7 * HOUR  # five days from here on are filled
END = START + 5 * DAY
FROM, TO = START + HOUR // 3, END - HOUR // 7  # cuts hours in two
CUT = START + 2 * DAY + 3 * HOUR
DAYS = 4  # whole ones in it


def planted(name: str, seed: int = 7) -> list[SpanRow]:
    """500 traces of two spans: a quarter without a session, some of a session of a few hours, and
    some of one that comes back days later."""
    draw, made = random.Random(seed), []
    begun = {n: START + draw.randrange(5 * DAY - 6 * HOUR) for n in range(60)}
    for n in range(500):
        kind, of = draw.random(), draw.randrange(60)
        at = START + draw.randrange(5 * DAY)
        session = "" if kind < 0.25 else f"far{of % 20}"
        if kind > 0.5:
            session, at = f"near{of}", begun[of] + draw.randrange(6 * HOUR)
        root = SpanRow(
            name, f"{n + 1:032x}", f"{n + 1:016x}", at, name="ask", kind="AGENT",
            duration_ns=draw.randrange(10**7, 10**10), session_id=session,
        )  # fmt: skip
        child = replace(
            root, span_id=f"{n + 1:015x}c", parent_span_id=root.span_id, kind="LLM",
            start_time=at + draw.randrange(20 * 60 * 10**9), cost_usd=draw.random() / 100,
            first_token_ns=draw.choice([0, 10**8]),
        )  # fmt: skip
        made += [root, child]
    return made


class Days(Filled):
    """What is known of its days and blocks."""

    def days(self, seconds: int = blocks.DAY) -> int:
        known = rolled.closed(self.store, self.name, blocks.SCORE_HOURS)
        made = rolled.blocks_made(self.store, self.name, blocks.SCORE_HOURS)
        found = rolled.standing(made, known, seconds)
        return len([at for at in found if at >= START and at + seconds * 10**9 <= END])


@pytest.fixture(scope="module")
def planted_once(settings: Settings) -> Days:
    return Days.of(clickhouse.connect(settings), planted(f"blocks-{uuid.uuid4().hex[:8]}"))


@pytest.fixture
def filled(planted_once: Days) -> Days:
    """What the tests before did to it stays; each makes what is due."""
    planted_once.keep()
    return planted_once


def _course(seconds: int, evaluator: str = "e") -> Callable[[Store, str, int, int], Any]:
    return lambda *of: courses.course(*of[:2], evaluator, "1", *of[2:], seconds)


def _by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["key"]))


QUESTIONS: dict[str, Callable[[Store, str, int, int], Any]] = {
    "sums": lambda *of: _by_key(verdicts.unit_sums(*of)),
    "summary": lambda *of: summary.summarise(*of[:2], "e", "1", *of[2:]),
    "before": lambda *of: _by_key(verdicts.unit_sums(*of[:3], CUT, whole=of[2:])),
    "after": lambda *of: _by_key(verdicts.unit_sums(*of[:2], CUT, of[3], whole=of[2:])),
    "spans by 14 h": _course(14 * 3600, "spans"),
    **{f"by {hours} h": _course(hours * 3600) for hours in (6, 14, 24, 60)},
}  # fmt: skip
SOME = ("sums", "by 14 h")


def hold(
    filled: Days, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...] = SOME,
    raw: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """What questions answer; fails where the blocks and the rows (unless not `raw`) answer
    differently."""
    monkeypatch.setattr(summary, "MANY", 0)  # else so few scores are read one by one

    def ask() -> dict[str, Any]:
        return {k: plain(QUESTIONS[k](filled.store, filled.name, FROM, TO)) for k in names}

    found = ask()
    with monkeypatch.context() as patched:
        patched.setattr(rolled, "closed", lambda *_: Known())
        told = ask() if raw else found
    for name in names:
        assert same(found[name], told[name]), (name, found[name], told[name])
    return found


def test_days_and_blocks_say_what_the_rows_say(
    filled: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filled.days() == DAYS
    assert filled.days(6 * 3600) >= 18 and filled.days(60 * 3600) >= 1
    found = hold(filled, monkeypatch, tuple(QUESTIONS))
    scored = {row.session_id or row.trace_id for row in filled.scores
              if row.evaluator == "e" and row.status == "scored"
              and FROM <= row.span_start < TO}  # fmt: skip
    assert found["summary"]["sessions"] == len(scored)


def test_a_question_of_days_reads_no_hour_within_them(filled: Days) -> None:
    found = rolled.source(
        filled.store, filled.name, blocks.SCORE_HOURS, FROM, TO, "hour, units",
        seconds=blocks.DAY,
    )  # fmt: skip
    (row,) = filled.store.rows(
        f"SELECT uniqExact(toDate(hour)) AS days FROM {found.sql}", project=filled.name
    )
    assert (row["days"], found.hours) == (2, 5 * 24 - 2)  # of six


def test_what_comes_late_or_is_scored_again_counts_at_once(
    filled: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hold(filled, monkeypatch, raw=False)
    at = START + 3 * DAY
    again = [replace(row, status="scored", value=1.0, scored_at=row.scored_at + 9000)
             for row in filled.scores if row.evaluator == "e"
             and at + 2 * HOUR < row.span_start < at + 8 * HOUR]  # fmt: skip
    verdict = replace(again[0], trace_id="f" * 32, span_start=at, session_id="far1")
    scores.insert_scores(filled.store, [verdict, *again])
    assert filled.days() == DAYS - 1
    found = hold(filled, monkeypatch)
    assert not same(found, before)
    filled.keep()
    assert filled.days() == DAYS
    assert same(hold(filled, monkeypatch, raw=False), found)


def test_blocks_of_other_makings_or_past_retention_are_not_read(
    filled: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hold(filled, monkeypatch, raw=False)
    # As by another process, later: an hour of each day is made anew, and no block; or it ends.
    for ends in ("", ", now() AS until"):
        filled.keep()
        filled.store.command(
            f"INSERT INTO score_hours SELECT * REPLACE (made + 1 AS made{ends}) FROM score_hours"
            f" WHERE project = '{filled.name}' AND toHour(hour) = 12 AND hour > toDateTime(0)"
        )
        assert filled.days() == 0
        assert same(hold(filled, monkeypatch, raw=False), before)
