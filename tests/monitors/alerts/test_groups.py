"""Alerts of rules that fire together are one message that keeps up with them, under ids that a
crash does not change."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitors.alerts import groups
from monitors.alerts.journal import Journal
from monitors.alerts.message import FIRING, RESOLVED, Message
from monitors.alerts.outbox import drain
from monitors.alerts.routes import Routes
from monitors.alerts.rules import apply_spool_rules
from monitors.alerts.sinks import webhook
from schemas.alerting import AlertPolicy, SilencePolicy
from schemas.clickhouse import Store
from schemas.control import ControlError, parse
from schemas.queries import tombstones
from schemas.rules import checked
from tests.conftest import free_port
from tests.monitors.alerts.receivers import Target, destination, http_target
from tests.monitors.alerts.test_kill import in_a_child

START = 1_800_000_000_000
SECOND, MINUTE = 1000, 60_000


@pytest.fixture
def target() -> Iterator[Target]:
    with http_target() as made:
        yield made


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "outbox")
    yield made
    made.close()


def routes(url: str, silences: dict[str, SilencePolicy] | None = None, **given: Any) -> Routes:
    policy = AlertPolicy(**given)
    return Routes({"on-call": policy}, {"on-call": destination("webhook", url)}, silences or {})


def says(name: str, state: str = FIRING, **changes: object) -> Message:
    whole: dict[str, Any] = {
        "message_id": name, "key": f"{name}-1", "type": f"assay.rule.{state}", "state": state,
        "title": f"{name}: metric in shop", "severity": "warning", "project": "shop",
        "signal": name, "summary": f"{name} is 9", "onset": "2027-01-15T08:00:00+00:00",
        "url": "http://ui/findings?project=shop", "value": 9.0, "threshold": 8.0,
        "examples": ({"trace_id": name * 8, "url": f"http://ui/trace?trace={name}"},),
    }  # fmt: skip
    return Message(**{**whole, **changes})


def over(name: str) -> Message:
    return groups.ended(says(name), f"{name} is 1")


def passes(journal: Journal, where: Routes, at: int) -> None:
    """What the loop does at one moment after it has looked."""
    groups.flush(journal, where, at)
    drain(journal, where, {"webhook": webhook.deliver}, lambda: at)


def bodies(target: Target) -> list[dict[str, Any]]:
    return [json.loads(r.body) for r in target.requests]


def members(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(m["signal"], m["state"]) for m in body["members"]]


def test_rules_that_fire_together_are_one_message_that_lists_them_with_their_links(
    journal: Journal, target: Target
) -> None:
    where = routes(target.url)
    assert groups.take(journal, says("slow"), where, START) == {"on-call"}
    passes(journal, where, START + 20 * SECOND)
    assert target.requests == []  # it waits for others
    groups.take(journal, says("errors", severity="critical", owner="rag"), where, START + 25_000)
    for at in (29, 30, 60):
        passes(journal, where, START + at * SECOND)
    (body,) = bodies(target)
    assert body["title"] == "2 alerts in shop: errors, slow"
    assert body["summary"] == "2 alerts of rules fire."
    assert (body["type"], body["severity"], body["owner"]) == (
        "assay.group.firing", "critical", "rag",
    )  # fmt: skip
    assert members(body) == [("errors", FIRING), ("slow", FIRING)]
    assert {m["url"] for m in body["members"]} == {"http://ui/findings?project=shop"}
    assert {e["trace_id"] for e in body["examples"]} == {"slow" * 8, "errors" * 8}


def test_later_alerts_and_ends_wait_for_the_interval_and_the_last_end_does_not(
    journal: Journal, target: Target
) -> None:
    where = routes(target.url)
    for at, said in [(0, says("slow")), (60, says("errors")), (70, says("cost"))]:
        groups.take(journal, said, where, START + at * SECOND)
        passes(journal, where, START + (at + 31) * SECOND)
    assert len(target.requests) == 1
    groups.take(journal, over("slow"), where, START + 200 * SECOND)
    for at in (200, 330, 332, 400):
        passes(journal, where, START + at * SECOND)
    assert len(target.requests) == 2
    for name in ("errors", "cost"):
        groups.take(journal, over(name), where, START + 410 * SECOND)
    passes(journal, where, START + 411 * SECOND)
    first, update, end = bodies(target)
    assert first["title"] == "slow: metric in shop" and first["value"] == 9.0  # as it is alone
    assert members(update) == [("cost", FIRING), ("errors", FIRING), ("slow", RESOLVED)]
    assert update["summary"] == "2 alerts of rules fire; 1 alert is over (slow)."
    assert (end["state"], members(end)) == (RESOLVED, [("cost", RESOLVED), ("errors", RESOLVED)])
    assert end["title"] == "2 alerts in shop: cost, errors over"
    group = first["key"]
    assert [b["key"] for b in (first, update, end)] == [group] * 3
    assert [r.headers["webhook-id"] for r in target.requests] == [
        f"{group}-on-call", f"{group}-1-on-call", f"{group}-end-on-call",
    ]  # fmt: skip
    passes(journal, where, START + 10**7)
    groups.take(journal, says("slow", key="slow-2"), where, START + 10**7)
    passes(journal, where, START + 10**7 + 31_000)
    assert bodies(target)[-1]["key"] != group  # what fires after the end is another group


def test_projects_never_share_a_message_and_labels_divide_further(
    journal: Journal, target: Target
) -> None:
    where = routes(target.url, group_by=("severity",), group_wait=0)
    for name, severity, project in [
        ("a", "warning", "shop"), ("b", "warning", "shop"), ("c", "error", "shop"),
        ("d", "error", "bank"),
    ]:  # fmt: skip
        groups.take(journal, says(name, severity=severity, project=project), where, START)
    passes(journal, where, START)
    assert sorted([n for n, _ in members(b)] for b in bodies(target)) == [["a", "b"], ["c"], ["d"]]


def test_by_rule_nothing_is_grouped(journal: Journal, target: Target) -> None:
    where = routes(target.url, group_by=("rule",), group_wait=0)
    for name in ("a", "b"):
        groups.take(journal, says(name), where, START)
    passes(journal, where, START)
    assert sorted(b["title"] for b in bodies(target)) == ["a: metric in shop", "b: metric in shop"]


def test_a_firing_that_is_over_before_its_message_is_told_all_the_same(
    journal: Journal, target: Target
) -> None:
    where = routes(target.url)
    groups.take(journal, says("slow"), where, START)
    groups.take(journal, over("slow"), where, START + SECOND)
    for at in (1, 2):
        passes(journal, where, START + at * SECOND)
    assert [(b["state"], b["title"]) for b in bodies(target)] == [
        (FIRING, "slow: metric in shop"), (RESOLVED, "slow: metric in shop is over"),
    ]  # fmt: skip


def test_a_silenced_rule_is_left_out_until_the_silence_ends(
    journal: Journal, target: Target
) -> None:
    silences = {n: SilencePolicy("2027-01-15T08:10:00") for n in ("slow", "brief")}
    where = routes(target.url, silences, group_wait=0)
    for name in ("slow", "errors", "brief"):
        groups.take(journal, says(name), where, START)
    passes(journal, where, START)
    groups.take(journal, over("brief"), where, START + MINUTE)
    for minute in range(1, 12):
        passes(journal, where, START + minute * MINUTE)
    first, later = bodies(target)
    assert members(first) == [("errors", FIRING)]
    assert members(later) == [("errors", FIRING), ("slow", FIRING)]  # brief came and went unheard


def test_while_a_receiver_is_down_changes_gather_into_one_update(journal: Journal) -> None:
    port = free_port()
    where = routes(f"http://127.0.0.1:{port}/")
    for minute, said in enumerate([says("a"), says("b"), over("a"), says("c"), over("b")]):
        groups.take(journal, said, where, START + minute * 10 * MINUTE)
        passes(journal, where, START + (minute * 10 + 6) * MINUTE)
    with http_target(port=port) as target:
        for minute in range(60, 160):
            passes(journal, where, START + minute * MINUTE)
        first, update, later = bodies(target)
    assert members(first) == [("a", FIRING)]
    assert members(update) == [("b", FIRING), ("c", FIRING), ("a", RESOLVED)]
    assert members(later) == [("c", FIRING), ("b", RESOLVED)]  # every firing is told as one


@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_any_step_tells_every_alert_and_its_end_under_one_id_each(
    tmp_path: Path, target: Target, stride: int
) -> None:
    """Two rules on the spool fire, and end; a process is killed at its n-th step on the way."""
    rules = {name: checked({"metric": "spool_used", "above": 0.5, "clear_hold": 0}, name)
             for name in ("a", "b")}  # fmt: skip
    where = routes(target.url, group_wait=0)

    def work(folder: Path, moments: int, used: float) -> None:
        journal = Journal(folder)
        for second in range(moments):
            at = START + second * SECOND
            apply_spool_rules({"spool_used": used}, rules, journal, where, "", at)
            passes(journal, where, at)
        journal.close()

    step, lived = 1, False
    while not lived:
        folder = tmp_path / str(step)
        target.requests.clear()
        lived = in_a_child(lambda f=folder: work(f, 2, 0.9), folder, step)
        assert in_a_child(lambda f=folder: work(f, 2, 0.9), folder, 10**9)
        assert in_a_child(lambda f=folder: work(f, 4, 0.1), folder, 10**9)
        ids = {r.headers["webhook-id"]: json.loads(r.body) for r in target.requests}
        states: dict[str, list[str]] = {"a": [], "b": []}
        for body in ids.values():
            for name, state in members(body):
                states[name].append(state)
        for told in states.values():
            assert (told[0], told[-1]) == (FIRING, RESOLVED), f"step {step}: {ids}"
        assert len({body["key"] for body in ids.values()}) == 1, f"step {step}"
        assert [body["state"] for body in ids.values()].count(RESOLVED) == 1
        step += stride
    assert step > 20


def test_what_was_deleted_leaves_the_groups(store: Store, journal: Journal) -> None:
    where, now = routes("http://127.0.0.1:1/"), time.time_ns() // 10**6
    gone, stays = f"gone-{uuid.uuid4()}", f"stays-{uuid.uuid4()}"
    for project in (gone, stays):
        groups.take(journal, says("slow", project=project, key=project), where, now)
    tombstones.bury(store, gone, [("project", "")], time.time_ns(), now)
    tombstones.bury(store, stays, [("trace", "slow" * 8)], time.time_ns(), now)
    groups.strip(journal, tombstones.read(store))
    (group,) = groups.load(journal).values()
    assert group.labels == {"project": stays}
    assert "slow" * 8 not in json.dumps(dataclasses.asdict(group))


def test_the_end_of_what_no_group_knows_is_taken_by_none(journal: Journal) -> None:
    assert groups.take(journal, over("slow"), routes(""), START) == set()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{group_by: [model]}", "a.group_by: 'model' is not known; there are: rule, severity"),
        ("{group_wait: soon}", "a.group_wait: 'soon' must be a length"),
    ],
)
def test_a_grouping_that_cannot_be_is_refused_in_words(given: str, said: str) -> None:
    with pytest.raises(ControlError) as error:
        parse(f"alerts: {{a: {given}}}")
    assert said in str(error.value)
    found = parse("alerts: {a: {group_by: rule, group_wait: 1m, group_interval: 2h}}")["alert", "a"]
    assert isinstance(found, AlertPolicy)
    assert (found.group_by, found.group_wait, found.group_interval) == (("rule",), 60, 7200)
