"""The message of a group, as every sink puts it on the wire."""

from __future__ import annotations

import json
import logging

import pytest

from monitors.alerts.group_message import group_message
from monitors.alerts.message import FIRING, MOST, RESOLVED, Message, read
from monitors.alerts.sinks import alertmanager, email, log, pagerduty, slack, teams, webhook
from monitors.alerts.template import render
from tests.monitors.alerts.receivers import destination, http_target, message


def of(name: str, state: str = FIRING) -> Message:
    return message(
        state, key=name, signal=name, title=f"{name} (in) shop", summary=f"{name} is <9>",
        type=f"assay.rule.{state}", severity="error", segment={}, effect=None,
        url=f"http://ui/findings?project=shop&rule={name}", runbook=f"https://wiki/{name}",
    )  # fmt: skip


GROUP = group_message("g", [of("slow"), of("errors"), of("cost", RESOLVED)], False, 10**12)
LINKS = [f"http://ui/findings?project=shop&rule={name}" for name in ("slow", "errors", "cost")]


def test_it_says_how_many_fire_and_what_is_over_and_is_read_back_as_it_was() -> None:
    assert (GROUP.state, GROUP.severity, GROUP.key) == (FIRING, "error", "g")
    assert GROUP.title == "2 alerts in shop: errors, slow"
    assert GROUP.summary == "2 alerts of rules fire; 1 alert is over (cost)."
    assert read(GROUP.body) == GROUP


@pytest.mark.parametrize(
    ("sink", "secret"),
    [(webhook, ""), (slack, ""), (teams, ""), (pagerduty, "key"), (alertmanager, "")],
)
def test_every_sink_over_http_lists_the_members_with_their_links(sink: object, secret: str) -> None:
    with http_target() as target:
        to = destination(sink.__name__.rpartition(".")[2], target.url,
                         secrets=(secret,) if secret else ())  # fmt: skip
        assert sink.deliver(to, GROUP).delivered  # type: ignore[attr-defined]
        (got,) = target.requests
    body = got.body.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    for name, link in zip(("slow", "errors", "cost"), LINKS, strict=True):
        assert f"{name} is <9>" in body and link in body
    assert "https://wiki/slow" in body


def test_a_mail_and_the_log_list_them_too(caplog: pytest.LogCaptureFixture) -> None:
    mail = email.letter(destination("email", "smtp://localhost"), GROUP)
    assert mail["Subject"] == "[ERROR] 2 alerts in shop: errors, slow"
    text = mail.get_content()
    for name, link in zip(("slow", "errors", "cost"), LINKS, strict=True):
        assert f"{name} is <9> {link}" in " ".join(text.split())
    with caplog.at_level(logging.WARNING):
        assert log.deliver(destination("log", ""), GROUP).delivered
    assert all(link in caplog.text for link in LINKS)


def test_alertmanager_gets_each_alert_with_its_own_state_and_labels() -> None:
    found = alertmanager.alerts(GROUP)
    assert [a["labels"]["assay_key"] for a in found] == ["errors", "slow", "cost"]
    ended = alertmanager.alerts(group_message("g", [of("slow", RESOLVED)], True, 10**12))
    (slow,) = [a for a in found if a["labels"]["assay_key"] == "slow"]
    assert ended[0]["labels"] == slow["labels"] and ended[0]["endsAt"] < slow["endsAt"]


def test_a_template_may_name_the_members() -> None:
    found = json.loads(render('{"text": "$title: $members", "all": "$members"}', GROUP))
    assert all(link in found["text"] for link in LINKS)
    assert [m["signal"] for m in found["all"]] == ["errors", "slow", "cost"]


def test_a_group_of_very_many_fits_its_receivers() -> None:
    many = group_message("g", [of(f"rule-{n:03}") for n in range(100)], False, 10**12)
    assert len(json.dumps(teams.card(many))) < 28_000
    parts = slack.blocks(many)["blocks"]
    assert all(
        len(p["text"]["text"]) <= 3000 for p in parts if p["type"] == "section" and "text" in p
    )
    assert f"and {100 - MOST} more" in json.dumps(parts)
