"""What pages read of closed hours is what the rows say: always, also when these change."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.hours import keeping, rolled
from schemas.hours.keeping import Book, Books
from schemas.hours.rolled import Known
from schemas.models import SpanRow
from schemas.queries import (
    costs,
    courses,
    deletion,
    health,
    outcomes,
    scores,
    spans,
    summary,
    traffic,
    usage,
    verdicts,
)
from schemas.settings import Settings
from tests.schemas.hours.filled import Filled, plain, same

HOUR = 3600 * 10**9
NOW = time.time_ns()
START = (NOW // HOUR - 40) * HOUR  # hours 0 to 29 from here on are filled
FROM, TO = START + HOUR // 3, START + 30 * HOUR - HOUR // 7  # a period that cuts hours in two


def planted(name: str, seed: int = 5) -> list[SpanRow]:
    """400 traces of two spans in about 90 sessions, a quarter without one; some cross an hour's
    end, and none begin in hours 10 to 14."""
    draw, made = random.Random(seed), []
    for n in range(400):
        at = START + draw.choice([*range(10), *range(15, 30)]) * HOUR + draw.randrange(HOUR)
        session = f"s{draw.randrange(90)}" if draw.random() < 0.75 else ""
        root = SpanRow(
            name, f"{n + 1:032x}", f"{n + 1:016x}", at, name="ask",
            duration_ns=draw.randrange(10**7, 10**10),
            session_id=session, kind="AGENT", sampling_probability=draw.choice([1.0, 0.5]),
            input="i" * draw.randrange(90), output="o" * draw.randrange(90),
        )  # fmt: skip
        child = replace(
            root, span_id=f"{n + 1:015x}c", parent_span_id=root.span_id, kind="LLM",
            start_time=at + draw.randrange(20 * 60 * 10**9), model=draw.choice(["a", "b"]),
            provider="p", status=draw.choice(["OK", "OK", "ERROR"]), cost_source="table",
            cost_usd=draw.random() / 100, input_tokens=draw.randrange(900), output_tokens=7,
            first_token_ns=draw.choice([0, 10**8]),
        )  # fmt: skip
        made += [root, child]
    return made


class Hours(Filled):
    """What is known of its hours."""

    def closed(self) -> int:
        return len([h for h in self.known().hours if h < START + 30 * HOUR])

    def judged(self) -> int:
        known = rolled.closed(self.store, self.name, keeping.SCORE_HOURS)
        return len([h for h in known.hours if START <= h < START + 30 * HOUR])

    def known(self) -> Known:
        return rolled.closed(self.store, self.name, keeping.TRAFFIC_HOURS)

    def summed(self) -> set[int]:
        """Hours with rows that are read as sums. One without rows may be summed at any time, by a
        collector that other tests run over the same store."""
        stood = {row.start_time // HOUR * HOUR for row in self.rows}
        return stood & set(self.known().hours)


@pytest.fixture
def filled(store: Store) -> Hours:
    found = Hours.of(store, planted(f"hours-{uuid.uuid4().hex[:8]}"))
    found.keep()
    return found


@pytest.fixture(scope="module")
def shared(settings: Settings) -> Iterator[Hours]:
    """One for the tests that only read it: to fill and to sum takes longer than to ask."""
    store = clickhouse.connect(settings)
    found = Hours.of(store, planted(f"hours-{uuid.uuid4().hex[:8]}"))
    found.keep()
    yield found
    store.close()


def _signal(name: str, store: Store, project: str, start: int, end: int) -> Any:
    return traffic.signal_blocks(store, project, name, start, end, 6 * 3600)


QUESTIONS: dict[str, Callable[[Store, str, int, int], Any]] = {
    "traffic": traffic.traffic,
    "cost": traffic.cost_interval,
    **{f"signal {name}": partial(_signal, name) for name in ("latency", "first_token", "cost")},
    "models": costs.by_model,
    "used": lambda store, project, *_: usage.used(store, project, 14),
    "summary": lambda *span: summary.summarise(*span[:2], "e", "1", *span[2:]),
    "spans": lambda *span: summary.summarise(*span[:2], "spans", "1", *span[2:]),
    "outcomes": lambda *span: outcomes.outcomes(*span[:2], "e", "1", *span[2:]),
    "course": lambda *span: courses.course(*span[:2], "e", "1", *span[2:], 3 * 3600),
    "whole": lambda *span: courses.course(*span[:2], "e", "1", *span[2:]),
    "evaluators": lambda store, project, *_: scores.evaluators(store, project),
    "versions": lambda store, project, *_: health.newest_versions(store, project),
}


SOME = ("traffic", "cost", "summary", "models")  # of which each of the tables answers one


def hold(
    filled: Hours, monkeypatch: pytest.MonkeyPatch, names: Sequence[str] = SOME
) -> dict[str, Any]:
    """What questions answer; fails where the sums and the rows answer differently."""
    monkeypatch.setattr(summary, "MANY", 0)  # else so few scores are read one by one
    asked = {name: QUESTIONS[name] for name in names}
    summed = {k: plain(ask(filled.store, filled.name, FROM, TO)) for k, ask in asked.items()}
    with monkeypatch.context() as patched:
        patched.setattr(rolled, "closed", lambda *_: Known())
        for name, ask in asked.items():
            raw = plain(ask(filled.store, filled.name, FROM, TO))
            assert same(summed[name], raw), (name, summed[name], raw)
    return summed


def test_sums_say_what_the_rows_say(shared: Hours, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared.closed() == 30  # hours without a row, too
    found = hold(shared, monkeypatch, list(QUESTIONS))
    begun = [row for row in shared.rows if not row.parent_span_id and FROM <= row.start_time < TO]
    cost = sum(row.cost_usd for row in shared.rows if row.trace_id in {r.trace_id for r in begun})
    assert found["traffic"]["traces"] == found["traffic"]["roots"] == len(begun)
    assert found["cost"][3] == pytest.approx(cost)
    assert traffic.traffic(shared.store, shared.name, FROM, TO).hours == 28
    scored = {row.session_id or row.trace_id for row in shared.scores
              if row.evaluator == "e" and row.status == "scored"
              and FROM <= row.span_start < TO}  # fmt: skip
    assert found["summary"]["sessions"] == len(scored)


def test_halves_that_are_read_at_once_are_the_periods(
    shared: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MANY", 0)
    asked: dict[str, Callable[..., Any]] = {
        "traffic": traffic.traffic, "cost": traffic.cost_interval, "verdicts": verdicts.verdicts,
        "summary": lambda *of, whole=None: summary.summarise(
            *of[:2], "e", "1", *of[2:], whole=whole
        ),
    }  # fmt: skip
    for cut in (START + 17 * HOUR + HOUR // 5, START + 12 * HOUR):
        for start, end in ((FROM, cut), (cut, TO)):
            for name, ask in asked.items():
                alone = ask(shared.store, shared.name, start, end)
                half = ask(shared.store, shared.name, start, end, whole=(FROM, TO))
                assert same(plain(half), plain(alone)), (name, half, alone)
    one = courses.course(shared.store, shared.name, "e", "1", FROM, TO, 3600 * 3, every=True)
    assert one == courses.course(
        shared.store, shared.name, "e", "1", FROM, TO, 3600 * 3, every=True, cut=START + 9 * HOUR
    )


def test_a_quantile_is_within_half_a_percent(shared: Hours) -> None:
    found = traffic.traffic(shared.store, shared.name, START, NOW)
    known = sorted(row.duration_ns for row in shared.rows if not row.parent_span_id)
    for share in (0.5, 0.95):
        value, low, high = found.latency(share)
        assert value * 1e9 == pytest.approx(known[round(len(known) * share)], rel=0.00501)
        assert low < value < high


def made_anew(filled: Hours, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]) -> None:
    """Once the sums are made again they say what the rows say."""
    filled.keep()
    assert filled.closed() == 30
    assert same(hold(filled, monkeypatch), wanted)


def test_a_replay_changes_nothing(filled: Hours, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hold(filled, monkeypatch)
    spans.insert_spans(filled.store, filled.rows, f"{filled.name}-again")
    assert filled.closed() < 30  # something was stored, so the rows answer until it was looked at
    assert same(hold(filled, monkeypatch), before)
    made_anew(filled, monkeypatch, before)


def test_a_late_span_counts_at_once(filled: Hours, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hold(filled, monkeypatch)
    late = replace(filled.rows[0], trace_id="f" * 32, start_time=START + 20 * HOUR, cost_usd=5.0)
    spans.insert_spans(filled.store, [late], f"{filled.name}-late")
    assert filled.closed() == 27  # the hours beside it rest on it, too
    found = hold(filled, monkeypatch)
    assert found["traffic"]["traces"] == before["traffic"]["traces"] + 1
    assert found["cost"][3] == pytest.approx(before["cost"][3] + 5)
    made_anew(filled, monkeypatch, found)


def test_what_is_scored_late_or_again_counts_at_once(
    filled: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("summary", "course", "whole", "spans")
    before = hold(filled, monkeypatch, asked)
    again = [replace(row, status="scored", value=1.0, scored_at=row.scored_at + 9000)
             for row in filled.scores if row.evaluator == "e"
             and START + 2 * HOUR < row.span_start < START + 8 * HOUR]  # fmt: skip
    verdict = replace(again[0], trace_id="f" * 32, span_start=START + 20 * HOUR, session_id="s1")
    scores.insert_scores(filled.store, [verdict, *again])
    assert filled.judged() < 30
    found = hold(filled, monkeypatch, asked)
    assert found["summary"]["scored"] > before["summary"]["scored"] and not same(found, before)
    filled.keep()
    assert filled.judged() == 30
    assert same(hold(filled, monkeypatch, asked), found)


def test_verdicts_of_other_makings_or_past_retention_are_not_read(
    filled: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("summary", "course", "whole", "spans")
    before = hold(filled, monkeypatch, asked)
    # As by another process, later: some hours are made anew; or they end.
    for ends, left in (("", 30), (", now() AS until", 28)):
        filled.store.command(
            f"INSERT INTO score_hours SELECT * REPLACE (made + 1 AS made{ends}) FROM score_hours"
            f" WHERE project = '{filled.name}' AND hour >= {(START + 3 * HOUR) // 10**9}"
            f" AND hour < {(START + 5 * HOUR) // 10**9}"
        )
        assert filled.judged() == left
        assert same(hold(filled, monkeypatch, asked), before)


def test_what_is_deleted_is_in_no_sum(filled: Hours, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hold(filled, monkeypatch)
    gone = next(r for r in filled.rows if FROM <= r.start_time < TO and not r.parent_span_id)
    ids = [("trace", gone.trace_id)]
    deletion.erase(filled.store, filled.name, ids, deletion.Names())
    assert not filled.summed()
    found = hold(filled, monkeypatch)
    assert found["traffic"]["traces"] == before["traffic"]["traces"] - 1
    filled.keep()
    assert filled.closed() == 30
    assert same(hold(filled, monkeypatch), found)


def test_a_project_sees_no_other(filled: Hours, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hold(filled, monkeypatch)
    other = f"{filled.name}-other"
    spans.insert_spans(
        filled.store, [replace(row, project=other, cost_usd=1.0) for row in filled.rows], other
    )
    twin = Hours(filled.store, other, filled.rows, [], Books())
    twin.keep()
    assert same(hold(filled, monkeypatch), before)
    keeping.forget(filled.store, other)
    assert (twin.summed(), filled.closed()) == (set(), 30)


def test_what_is_past_its_retention_is_read_raw(
    filled: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{filled.name}-short"
    ends = [replace(r, project=name, retention_days=7) for r in filled.rows]
    spans.insert_spans(filled.store, ends, name)
    short = Hours(filled.store, name, ends, [], Books())
    short.keep()
    assert short.closed() == 30
    filled.store.command(
        f"INSERT INTO traffic_hours SELECT * REPLACE (now() AS until, made + 1 AS made)"
        f" FROM traffic_hours WHERE project = '{name}' AND hour > toDateTime(0)"
    )
    assert short.closed() == 0
    hold(short, monkeypatch)


def test_hours_are_made_once_they_are_over_and_calm() -> None:
    now = 100 * HOUR // 10**6
    book = Book(stored={90 * HOUR: 1, 92 * HOUR: 1, 98 * HOUR: 1, 99 * HOUR: 1})
    assert keeping.due(book, now) == [hour * HOUR for hour in (*range(90, 98), 98)]
    book.stored[91 * HOUR] = now - 1
    assert keeping.due(book, now) == [hour * HOUR for hour in range(93, 99)]
    book.seen = {hour * HOUR: now for hour in range(90, 99)}
    assert keeping.due(book, now) == []


def test_few_stretches_are_read_raw() -> None:
    hours = [n * HOUR for n in range(0, 200, 2)]
    used, ranges = rolled.rest(hours, 0, 200 * HOUR)
    assert len(ranges) == rolled.RANGES
    covered = sum(b - a for a, b in ranges) + len(used) * HOUR
    assert covered == 200 * HOUR and not any(a <= hour < b for hour in used for a, b in ranges)
