"""The loop of the monitors: rules to receivers, with and without ClickHouse, killed and not."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from monitors import watch
from monitors.alerts.compose import address
from monitors.alerts.destination import Sink
from monitors.alerts.journal import Event, Journal
from monitors.alerts.routes import remember
from monitors.alerts.sinks import webhook
from monitors.watch import Watch
from schemas import clickhouse, control
from schemas.alerting import AlertPolicy
from schemas.clickhouse import Store
from schemas.models import FindingRow, ScoreRow, SpanRow
from schemas.queries import deletion, scores, spans
from schemas.queries.deletion import Names
from schemas.queries.findings import list_deliveries, list_findings
from schemas.settings import Settings
from tests.conftest import free_port, own_settings, spawn, wait_until
from tests.monitors.alerts.receivers import http_target, message

SINKS: dict[str, Sink] = {"webhook": webhook.deliver}


settings = own_settings  # the tests of this file look at every project


@pytest.fixture(autouse=True)
def clean(store: Store) -> Iterator[None]:
    """Control state is the store's: leave none behind."""
    yield
    control.apply(store, {}, "test")


def event(project: str, url: str) -> Event:
    text = dataclasses.replace(message(), project=project)
    now = time.time_ns() // 10**6
    pending = address(text, "f1", "on-call", AlertPolicy(url=url), "", now)
    return Event("f1", project, "f1", now, (pending,))


def test_a_rule_of_the_control_state_reaches_its_receiver_and_the_explorer(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "EVERY_MS", 0)
    project, token = f"loop-{uuid.uuid4()}", str(uuid.uuid4())
    rows = [
        SpanRow(project, uuid.uuid4().hex, f"{n:016x}", time.time_ns(), status="ERROR", segment="s")
        for n in range(1, 31)
    ]
    spans.insert_spans(store, rows, token)
    with http_target() as target:
        text = f"""
        alerts:
          on-call: {{url: "{target.url}", signals: [failing], group_wait: 0s, runbook: "https://r/b"}}
        rules: {{failing: {{metric: error_rate, above: 0.5, projects: [{project}]}}}}
        """
        control.apply(store, control.parse(text), "test")
        mine = dataclasses.replace(
            settings, allow_private_webhooks=True, ui_url="https://assay.example.org"
        )
        journal = Journal(tmp_path)
        loop = Watch(mine, {}, journal, SINKS)
        assert loop.once() and loop.once() and loop.once()
        (got,) = target.requests
    body = json.loads(got.body)
    assert (body["state"], body["signal"], body["value"]) == ("firing", "failing", 1.0)
    assert body["runbook"] == "https://r/b"
    page = f"https://assay.example.org/findings?project={project}"
    assert body["url"] == page  # a rule has no finding of its own
    assert body["examples"][0]["url"].startswith("https://assay.example.org/trace?project=loop-")
    rows = list_deliveries(store, project)  # the group's message, and the rule's own state
    assert {(r["status"], r["rule"]) for r in rows} == {
        ("delivered", "on-call"), ("grouped", "on-call"),
    }  # fmt: skip
    gone = body["examples"][0]["trace_id"]
    deletion.erase(store, project, [("trace", gone)], Names())
    for row in list_deliveries(store, project):
        assert gone not in row["body"] and len(json.loads(row["body"])["examples"]) == 2


def test_a_new_finding_about_a_score_carries_the_stage(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    project, draw = f"staged-{uuid.uuid4()}", np.random.default_rng(2)
    end = time.time_ns() - 60 * 10**9
    times = np.linspace(end - 44 * 3600 * 10**9, end, 500).astype(np.int64)
    rows, judged = [], []
    for n, at in enumerate(times):
        new = n >= 300 and n % 3 > 0
        trace = uuid.uuid4().hex
        rows.append(SpanRow(project, trace, trace[:16], int(at), session_id=f"s{n}", kind="LLM",
                            model="m2" if new else "m1", input="hello"))  # fmt: skip
        judged.append(ScoreRow(project, "groundedness", "1", trace, "", int(at), "scored",
                               float(0.8 - 0.4 * new + draw.normal(0, 0.05)), 1))  # fmt: skip
    spans.insert_spans(store, rows, project)
    scores.insert_scores(store, judged)
    assert Watch(settings, {}, Journal(tmp_path), SINKS).once()
    (found,) = [f for f in list_findings(store, project) if f["signal"] == "groundedness"]
    named = [row["stage"] for row in json.loads(found["details"])["stages"] if row["named"]]
    assert named == ["model"]


def test_findings_wait_for_evaluators_that_lag_and_not_for_ever() -> None:
    last: dict[str, int] = {}
    found = [
        FindingRow("p", "f1", "groundedness", "mean_shift", "{}", "confirmed", 1, 0, 2, 300, 400,
                   0.8, 0.6, -0.2, -0.3, -0.1, 0.001, 0.9, "{}", 5)
    ]  # fmt: skip
    assert watch.held_back(last, "p", found, False, 0)
    assert watch.held_back(last, "p", found, False, watch.HOLD_MS - 1)
    assert last["p again"] == watch.HOLD_MS - 1 + watch.AGAIN_MS  # looked at though nothing came
    assert not watch.held_back(last, "p", found, False, watch.HOLD_MS)
    assert not watch.held_back({}, "p", found, True, 0)
    quiet = [dataclasses.replace(found[0], status="uncalibrated")]
    assert not watch.held_back({}, "p", quiet, False, 0)  # it is sent to nobody


def test_what_waits_is_sent_by_monitors_that_start_while_clickhouse_is_away(
    settings: Settings, tmp_path: Path
) -> None:
    with http_target() as target:
        journal = Journal(tmp_path)
        remember(journal, {"on-call": AlertPolicy(url=target.url)}, {})
        journal.put(event("away", target.url))
        away = dataclasses.replace(
            settings, clickhouse_url=f"http://127.0.0.1:{free_port()}/assay",
            allow_private_webhooks=True,
        )  # fmt: skip
        assert Watch(away, {}, journal, SINKS).once() is False
        assert len(target.requests) == 1
    assert [e.finished for e in journal.events()] == [True]  # and kept until ClickHouse has it


def test_a_process_that_is_killed_while_it_sends_goes_on_under_the_same_id(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    project = f"killed-{uuid.uuid4()}"
    environ = {
        "ASSAY_HOME": str(tmp_path), "CLICKHOUSE_URL": clickhouse.url(settings),
        "ASSAY_ALLOW_PRIVATE_WEBHOOKS": "1", "ASSAY_POLL_SECONDS": "1",
    }  # fmt: skip
    with http_target() as target:
        target.answers = [(500, {}, "")]
        text = f"alerts: {{on-call: {{url: '{target.url}', signals: [nothing]}}}}"
        control.apply(store, control.parse(text), "test")
        journal = Journal(tmp_path / "outbox")
        journal.put(event(project, target.url))
        journal.close()
        first = spawn("monitors", environ, tmp_path / "log")
        wait_until(lambda: bool(target.requests), "the first try")
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        second = spawn("monitors", environ, tmp_path / "log")
        try:
            wait_until(
                lambda: [d["status"] for d in list_deliveries(store, project)] == ["delivered"],
                "the delivery is told to ClickHouse",
            )
        finally:
            second.terminate()
            second.wait(20)
        assert {r.headers["webhook-id"] for r in target.requests} == {"f1-on-call"}
        assert len(target.requests) == 2
