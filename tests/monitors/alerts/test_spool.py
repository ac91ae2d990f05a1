"""How full the spool is, as a real collector says it, and a rule on it while ClickHouse is away."""

from __future__ import annotations

import dataclasses
import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitors import watch
from monitors.alerts.journal import Journal
from monitors.alerts.message import read
from monitors.alerts.routes import Routes, recall_rules, remember
from monitors.alerts.rules import apply_rules, apply_spool_rules
from monitors.alerts.sinks import webhook
from monitors.alerts.spool import numbers, spool_numbers
from monitors.watch import Watch
from schemas.alerting import AlertPolicy
from schemas.clickhouse import Store
from schemas.rules import RulePolicy, checked
from schemas.settings import Settings, from_environment
from tests.conftest import answers, environment, free_port, spawn, wait_until
from tests.monitors.alerts.receivers import http_target

MINUTE_MS = 60_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "outbox")
    yield made
    made.close()


def rule(**given: object) -> RulePolicy:
    return checked({"metric": "spool_used", "above": 0.5, **given}, "rule")


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Settings]:
    """A collector whose ClickHouse is away."""
    environ = environment(tmp_path / "collector")
    environ["CLICKHOUSE_URL"] = f"http://127.0.0.1:{free_port()}/assay"
    (tmp_path / "collector").mkdir()
    child = spawn("collector", environ, tmp_path / "collector.log")
    mine = from_environment(environ)
    wait_until(lambda: answers(f"{mine.collector}/readyz") or child.poll() is not None, "ready")
    assert child.poll() is None, (tmp_path / "collector.log").read_text()
    yield mine
    child.terminate()
    child.wait(30)


def send_a_span(to: Settings) -> None:
    trace, now = uuid.uuid4().hex, time.time_ns()
    span = {"traceId": trace, "spanId": trace[:16], "name": "ask",
            "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1)}  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    asked = urllib.request.Request(
        f"{to.collector}/v1/traces", json.dumps(body).encode(),
        {"content-type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200


def test_a_spool_that_fills_while_clickhouse_is_away_is_told_by_monitors_that_start_then(
    collector: Settings, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "EVERY_MS", 0)
    empty = spool_numbers(collector)
    assert empty == {"spool_used": 0.0, "spool_segments": 0.0}
    send_a_span(collector)
    wait_until(lambda: spool_numbers(collector)["spool_segments"] == 1, "a segment waits")
    with http_target() as target:
        given = {"spool": checked({"metric": "spool_segments", "above": 0}, "spool")}
        other = {"cost": checked({"metric": "cost", "above": 1}, "cost")}
        remember(journal, {"ops": AlertPolicy(url=target.url, group_wait=0)}, {}, given | other)
        assert recall_rules(journal) == given
        mine = dataclasses.replace(collector, allow_private_webhooks=True)
        loop = Watch(mine, {}, journal, {"webhook": webhook.deliver})
        assert not loop.once() and not loop.once() and not loop.once()
        (got,) = target.requests
    body = json.loads(got.body)
    assert (body["state"], body["signal"], body["value"]) == ("firing", "spool", 1.0)
    assert body["title"] == "spool: spool_segments" and body["project"] == ""


def test_a_rule_on_the_spool_fires_once_for_all_projects_and_says_when_it_is_over(
    store: Store, journal: Journal
) -> None:
    policies = {"a": AlertPolicy("log", projects=("shop",)), "b": AlertPolicy("log", ("other",))}
    given, where = {"full": rule(clear=0.3, clear_hold=60)}, Routes(policies, {}, {})
    seen = [{"spool_used": 0.9}] * 3 + [{}] + [{"spool_used": 0.4}] + [{"spool_used": 0.1}] * 3
    for minute, found in enumerate(seen):
        apply_spool_rules(found, given, journal, where, "http://ui", (minute + 1) * MINUTE_MS)
        apply_rules(store, given, journal, where, "http://ui", (minute + 1) * MINUTE_MS)
        assert bool(journal.load("rules")) is (minute < 6)
    firing, over = (read(p.row.body) for e in journal.events() for p in e.pending)
    assert [len(e.pending) for e in journal.events()] == [1, 1]
    assert (firing.state, firing.threshold, over.state) == ("firing", 0.5, "resolved")
    assert firing.summary.startswith("spool_used is 0.9 (alert above 0.5), the share of the")
    assert firing.url == "http://ui" and over.summary.startswith("It is over: spool_used is 0.1")


def test_what_fired_under_a_rule_that_is_removed_is_over(journal: Journal) -> None:
    where = Routes({"a": AlertPolicy("log")}, {}, {})
    for minute in (1, 2):
        apply_spool_rules({"spool_used": 1.0}, {"r": rule()}, journal, where, "", minute)
    apply_spool_rules({}, {}, journal, where, "", 3)
    said = [read(p.row.body).state for e in journal.events() for p in e.pending]
    assert said == ["firing", "resolved"] and journal.load("rules") == {}


def test_a_collector_that_does_not_answer_or_says_something_else_is_unknown() -> None:
    nobody = from_environment({"ASSAY_COLLECTOR_URL": f"http://127.0.0.1:{free_port()}"})
    assert spool_numbers(nobody) == {}
    assert numbers("assay_spool_used_ratio NaN\nassay_spool_segments_waiting x\nother 1") == {}


def test_the_collector_is_where_the_settings_say() -> None:
    assert from_environment({"ASSAY_OTLP_HTTP_PORT": "5"}).collector == "http://127.0.0.1:5"
    away = {"ASSAY_COLLECTOR_URL": "https://collector:4318/"}
    assert from_environment(away).collector == "https://collector:4318"
