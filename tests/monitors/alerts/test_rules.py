"""Rules over stored traffic: what fires, what it says, and when it is over."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitors.alerts.journal import Journal
from monitors.alerts.message import Message, read
from monitors.alerts.routes import Routes
from monitors.alerts.rules import Sight, apply_rules, length, look
from schemas.alerting import AlertPolicy
from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.rules import RulePolicy, checked

MINUTE_NS = 60 * 10**9
NOW = time.time_ns() // 10**9 * 10**9
WHERE = Routes({"a": AlertPolicy("log")}, {}, {})


@pytest.fixture
def project() -> str:
    return f"rules-{uuid.uuid4()}"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    yield made
    made.close()


def rule(**given: object) -> RulePolicy:
    return checked(given, "rule")


def traffic(
    store: Store, project: str, minutes_ago: float, n: int = 30, errors: int = 0,
    seconds: float = 1.0, cost: float = 0.0, user: str = "u",
) -> list[SpanRow]:  # fmt: skip
    """`n` traces of one root span at a moment; the first `errors` failed."""
    start = NOW - round(minutes_ago * MINUTE_NS)
    rows = [
        SpanRow(project, uuid.uuid4().hex, uuid.uuid4().hex[:16], start + k, user_id=user,
                duration_ns=round(seconds * 1e9), cost_usd=cost, segment="s",
                status="ERROR" if k < errors else "OK")
        for k in range(n)
    ]  # fmt: skip
    spans.insert_spans(store, rows, str(uuid.uuid4()))
    return rows


def judge(store: Store, rows: list[SpanRow], value: float, version: str = "1", errors: int = 0,
          probability: float = 1.0) -> None:  # fmt: skip
    scores.insert_scores(
        store,
        [ScoreRow(r.project, "g", version, r.trace_id, "", r.start_time,
                  "error" if k < errors else "scored", float("nan") if k < errors else value,
                  NOW // 10**6, probability=probability)
         for k, r in enumerate(rows)],
    )  # fmt: skip


def sees(store: Store, project: str, ago: float = 0, **given: object) -> Sight:
    return look(store, project, rule(**given), NOW - round(ago * MINUTE_NS))


def test_latency_and_errors_are_held_against_their_limits(store: Store, project: str) -> None:
    traffic(store, project, 5, n=40, errors=10, seconds=3.0)
    slow = sees(store, project, metric="latency_p95", above=2)
    assert (slow.seen, slow.value) == ("bad", 3.0)
    assert slow.words == "latency_p95 is 3 over the last 15m (alert above 2)"
    assert sees(store, project, metric="latency_p95", above=4).seen == "good"
    failed = sees(store, project, metric="error_rate", above=0.2, window="10m")
    assert (failed.seen, failed.value) == ("bad", 0.25)
    assert sees(store, project, metric="error_rate", above=0.2, window="1m").seen == "unknown"


def test_a_ratio_of_few_traces_is_unknown(store: Store, project: str) -> None:
    traffic(store, project, 5, n=3, errors=3)
    assert sees(store, project, metric="error_rate", above=0.1).seen == "unknown"
    assert sees(store, project, metric="error_rate", above=0.1, at_least=3).seen == "bad"


def test_cost_is_summed_by_project_and_by_user(store: Store, project: str) -> None:
    traffic(store, project, 5, n=20, cost=0.1, user="ann")
    traffic(store, project, 5, n=20, cost=0.3, user="bob")
    whole = sees(store, project, metric="cost", above=7)
    assert whole.value == pytest.approx(8.0) and whole.seen == "bad"
    dearest = sees(store, project, metric="cost_per_user", above=7)
    assert dearest.value == pytest.approx(6.0) and dearest.seen == "good"


def test_only_the_newest_version_of_an_evaluator_counts_weighted(
    store: Store, project: str
) -> None:
    rows = traffic(store, project, 5, n=60)
    judge(store, rows[:20], 0.1)
    scores.insert_scores(
        store,
        [ScoreRow(project, "g", "2", r.trace_id, "", r.start_time, "scored", value,
                  NOW // 10**6 + 5, probability=p)
         for r, value, p in [*((r, 1.0, 0.1) for r in rows[20:30]),
                             *((r, 0.0, 1.0) for r in rows[30:40])]],
    )  # fmt: skip
    found = sees(store, project, metric="score:g", below=0.95)
    assert found.value == pytest.approx(100 / 110) and found.seen == "bad"


def test_an_evaluator_that_fails_is_seen(store: Store, project: str) -> None:
    judge(store, traffic(store, project, 5, n=40), 0.9, errors=10)
    found = sees(store, project, metric="evaluator_errors:g", above=0.2)
    assert (found.seen, found.value) == ("bad", 0.25)
    assert sees(store, project, metric="evaluator_errors:other", above=0.2).seen == "unknown"


def test_silence_of_a_project_in_use_is_seen_and_of_an_abandoned_one_is_not(
    store: Store, project: str
) -> None:
    traffic(store, project, 60, n=5)
    silent = sees(store, project, metric="traces", below=1, window="30m")
    assert (silent.seen, silent.value) == ("bad", 0.0)
    later = -8 * 24 * 60
    assert sees(store, project, later, metric="traces", below=1, window="30m").seen == "unknown"


def test_a_change_is_measured_against_the_same_window_a_week_before(
    store: Store, project: str
) -> None:
    week = 7 * 24 * 60
    traffic(store, project, 5, n=20, cost=1.5)
    assert sees(store, project, metric="cost", rise=0.3).seen == "unknown"
    traffic(store, project, week + 5, n=20, cost=1.0)
    found = sees(store, project, metric="cost", rise=0.3)
    assert found.seen == "bad" and found.value == pytest.approx(0.5)
    assert "+50.0% against 20 a week before" in found.words
    assert sees(store, project, metric="cost", drop=0.3).seen == "good"


def test_a_budget_that_burned_and_has_stopped_does_not_fire(store: Store, project: str) -> None:
    traffic(store, project, 40, n=60, errors=30)
    traffic(store, project, 1, n=30, errors=0)
    given = {"metric": "error_rate", "budget": 0.01, "burn": {"1h": 14.4}}
    assert sees(store, project, **given).seen == "good"
    traffic(store, project, 1, n=30, errors=20)
    burning = sees(store, project, **given)
    assert burning.seen == "bad" and burning.value == pytest.approx(50 / 120 / 0.01)
    assert burning.limit == 14.4


def bodies(journal: Journal) -> list[Message]:
    return [read(p.row.body) for e in journal.events() for p in e.pending]


def test_a_rule_fires_once_says_why_and_says_when_it_is_over(
    store: Store, project: str, journal: Journal
) -> None:
    slow = traffic(store, project, 5, seconds=9.0)
    given = {"slow": rule(metric="latency_p95", above=8, window="15m", hold="2m", clear_hold=60,
                          projects=[project], owner="rag", severity="critical")}  # fmt: skip
    now = NOW // 10**6
    for minute in range(30):
        apply_rules(store, given, journal, WHERE, "http://ui", now + minute * 60_000)
        if minute == 5:
            traffic(store, project, -6, seconds=0.1, n=100)
    firing, resolved = bodies(journal)
    assert (firing.state, resolved.state) == ("firing", "resolved")
    assert firing.key == resolved.key and firing.message_id != resolved.message_id
    assert (firing.value, firing.threshold, firing.severity) == (9.0, 8.0, "critical")
    assert firing.title == f"slow: latency_p95 in {project}"
    assert {e["trace_id"] for e in firing.examples} <= {r.trace_id for r in slow}
    assert len(firing.examples) == 3 and firing.owner == "rag"
    assert resolved.summary.startswith("It is over: latency_p95 is 0.1")
    assert journal.load("rules") == {}


def test_a_crash_between_the_event_and_the_state_repeats_it_under_its_id(
    store: Store, project: str, journal: Journal
) -> None:
    traffic(store, project, 1)
    given = {"r": rule(metric="traces", above=5, projects=[project])}
    now = NOW // 10**6
    apply_rules(store, given, journal, WHERE, "", now)
    pending = journal.load("rules")
    apply_rules(store, given, journal, WHERE, "", now + 1000)
    (first,) = bodies(journal)
    journal.save("rules", pending)  # as if the process had died before it wrote the state
    apply_rules(store, given, journal, WHERE, "", now + 5000)
    assert bodies(journal) == [first]


def test_what_fired_under_a_rule_that_is_removed_is_over(
    store: Store, project: str, journal: Journal
) -> None:
    traffic(store, project, 1)
    given = {"r": rule(metric="traces", above=5, projects=[project])}
    for second in range(2):
        apply_rules(store, given, journal, WHERE, "", NOW // 10**6 + second)
    apply_rules(store, {}, journal, WHERE, "", NOW // 10**6 + 9)
    firing, resolved = bodies(journal)
    assert (firing.state, resolved.state) == ("firing", "resolved")
    assert "removed" in resolved.summary and journal.load("rules") == {}


def test_a_rule_goes_to_the_alerts_that_name_it(
    store: Store, project: str, journal: Journal
) -> None:
    traffic(store, project, 1)
    policies = {"yes": AlertPolicy("log", ("r",)), "no": AlertPolicy("log", ("refusal",))}
    where = dataclasses.replace(WHERE, policies=policies)
    given = {"r": rule(metric="traces", above=5, projects=[project])}
    for second in range(2):
        apply_rules(store, given, journal, where, "", NOW // 10**6 + second)
    (event,) = journal.events()
    assert [p.row.rule for p in event.pending] == ["yes"]


def test_lengths_are_said_in_the_largest_unit() -> None:
    assert [length(s) for s in (0, 59, 60, 5400, 7200, 86400)] == [
        "0s", "59s", "1m", "90m", "2h", "1d",
    ]  # fmt: skip
