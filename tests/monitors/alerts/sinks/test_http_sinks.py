"""What each sink over HTTP puts on the wire, as its receiver reads it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from monitors.alerts.message import FIRING, RESOLVED
from monitors.alerts.sinks import alertmanager, pagerduty, slack, teams, webhook
from tests.monitors.alerts.receivers import (
    OLDER,
    SECRET,
    Target,
    destination,
    http_target,
    message,
)


@pytest.fixture
def target() -> Iterator[Target]:
    with http_target() as made:
        yield made


def test_a_webhook_is_signed_by_every_key_while_keys_change(target: Target) -> None:
    sent = message()
    to = destination("webhook", target.url, secrets=(SECRET, OLDER))
    assert webhook.deliver(to, sent).delivered
    (got,) = target.requests
    for key in (SECRET, OLDER):
        found: dict[str, Any] = Webhook(key).verify(got.body, got.headers)
        assert found["summary"] == sent.summary
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"n" * 32).decode()).verify(got.body, got.headers)
    assert got.headers["webhook-id"] == sent.message_id


def test_a_webhook_names_segment_onset_share_effect_and_examples(target: Target) -> None:
    assert webhook.deliver(destination("webhook", target.url), message()).delivered
    body = json.loads(target.requests[0].body)
    assert body["segment"] == {"prompt_version": "v7"}
    assert body["onset"] == "2026-11-20T09:00:00+00:00"
    assert (body["share_explained"], body["effect"], body["p_value"]) == (0.94, -0.21, 0.001)
    assert body["effect_interval"] == [-0.26, -0.16]
    assert body["examples"][0]["url"].startswith("http://ui/trace?")
    assert body["url"] == "http://ui/findings?project=shop"
    assert "webhook-signature" not in target.requests[0].headers


def test_a_webhook_says_that_its_secret_is_none(target: Target) -> None:
    to = destination("webhook", target.url, secrets=("whsec_no base64!",))
    answer = webhook.deliver(to, message())
    assert answer.code == 0 and "whsec_ and base64" in answer.text
    assert target.requests == []


def test_slack_gets_blocks_within_its_limits_and_no_control_characters(target: Target) -> None:
    long = message(title="t" * 400, summary="<@U1> <!channel> & " + "s" * 4000)
    assert slack.deliver(destination("slack", target.url), long).delivered
    body = json.loads(target.requests[0].body)
    header, said, fields, related, links = body["blocks"]
    assert header["type"] == "header" and len(header["text"]["text"]) == 150
    assert len(said["text"]["text"]) <= 3000
    assert said["text"]["text"].startswith("&lt;@U1&gt; &lt;!channel&gt; &amp; ")
    assert 0 < len(fields["fields"]) <= 10
    assert any("prompt_version=v7" in f["text"] for f in fields["fields"])
    assert any("94%" in f["text"] for f in fields["fields"])
    assert "answer_relevance fell as well" in related["text"]["text"]
    assert "<http://ui/findings?project=shop|Open in Assay>" in links["elements"][0]["text"]
    assert "|trace aaaaaaaa>" in links["elements"][0]["text"]


def test_teams_gets_one_adaptive_card_in_a_message(target: Target) -> None:
    target.answers = [(202, {}, "")]
    trap = message(summary="see [here](http://evil)")
    assert teams.deliver(destination("teams", target.url), trap).delivered
    body = json.loads(target.requests[0].body)
    (attachment,) = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][1]["text"] == "see (here)(http://evil)"
    facts = {f["title"]: f["value"] for f in card["body"][2]["facts"]}
    assert facts["Effect"] == "-0.21 (95% interval -0.26 to -0.16)"
    assert [a["type"] for a in card["actions"]] == ["Action.OpenUrl"] * 3
    assert len(target.requests[0].body) < 28_000


def test_pagerduty_triggers_and_resolves_under_one_key(target: Target) -> None:
    target.answers = [(202, {}, ""), (202, {}, "")]
    to = destination("pagerduty", target.url, secrets=("R" * 32,))
    assert pagerduty.deliver(to, message(FIRING)).delivered
    assert pagerduty.deliver(to, message(RESOLVED, message_id="f1-end")).delivered
    trigger, resolve = (json.loads(r.body) for r in target.requests)
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"] == "f1"
    assert trigger["routing_key"] == "R" * 32
    about = trigger["payload"]
    assert about["severity"] == "critical" and about["source"] == "assay/shop"
    assert about["timestamp"] == "2026-11-20T09:00:00+00:00"
    assert about["custom_details"]["Segment"] == "prompt_version=v7"
    assert trigger["links"][0] == {"href": "http://ui/findings?project=shop",
                                   "text": "Open in Assay"}  # fmt: skip


def test_pagerduty_without_a_key_says_what_it_needs() -> None:
    answer = pagerduty.deliver(destination("pagerduty", "http://127.0.0.1:1/"), message())
    assert answer.code == 0 and "secret_env" in answer.text


def test_alertmanager_gets_equal_labels_and_an_end_that_moves(target: Target) -> None:
    base = target.url.removesuffix("/hook")
    to = destination("alertmanager", base, secrets=("token",))
    assert alertmanager.deliver(to, message(FIRING)).delivered
    assert alertmanager.deliver(to, message(RESOLVED)).delivered
    assert {r.path for r in target.requests} == {"/api/v2/alerts"}
    assert target.requests[0].headers["authorization"] == "Bearer token"
    (firing,), (resolved,) = (json.loads(r.body) for r in target.requests)
    assert firing["labels"] == resolved["labels"]
    assert firing["labels"]["alertname"] == "AssayFinding"
    assert firing["labels"]["segment_prompt_version"] == "v7"
    assert firing["startsAt"] == "2026-11-20T09:00:00+00:00"
    assert firing["endsAt"] == "2026-11-21T11:00:00+00:00"
    assert resolved["endsAt"] == "2026-11-20T11:00:00+00:00"
    assert firing["annotations"]["runbook_url"] == "https://wiki/runbook"


def test_a_label_of_alertmanager_is_made_legal() -> None:
    (made,) = alertmanager.alerts(message(segment={"user-group/eu": "x"}))
    assert made["labels"]["segment_user_group_eu"] == "x"
