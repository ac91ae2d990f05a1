"""A webhook's own form: JSON whatever the values hold, signed as it is sent, checked beforehand."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import fields

import pytest
from standardwebhooks.webhooks import Webhook

from monitors.alerts.destination import resolve
from monitors.alerts.message import Message
from monitors.alerts.sinks.webhook import deliver
from monitors.alerts.template import render
from schemas.alerting import IN_TEMPLATES, AlertPolicy, payload
from schemas.control import ControlError, parse
from schemas.settings import from_environment
from tests.monitors.alerts.receivers import http_target, message

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_values_of_any_kind_leave_the_json_whole() -> None:
    evil = 'a "quote", a \\ and\n$title ${url}'
    mine = dataclasses.replace(
        message(), summary=evil, value=None, effect=-0.25, segment={"model": 'm"1'},
        examples=({"trace_id": "t1", "url": "http://ui/1"}, {"trace_id": "t2", "url": "http://ui/2"}),
    )  # fmt: skip
    made = payload(
        {"text": "[$severity] $summary costs $$5", "n": [{"effect": "$effect"}, "$value", 7],
         "where": "for ${segment}", "segment": "$segment", "see": "$examples"}, "t",
    )  # fmt: skip
    found = json.loads(render(made, mine))
    assert found == {
        "text": f"[{mine.severity}] {evil} costs $5", "n": [{"effect": -0.25}, None, 7],
        "where": 'for model=m"1', "segment": {"model": 'm"1'}, "see": found["see"],
    }  # fmt: skip
    assert [each["trace_id"] for each in found["see"]] == ["t1", "t2"]
    assert json.loads(render('{"a": "see $examples"}', mine)) == {
        "a": "see http://ui/1 http://ui/2"
    }


def test_what_is_sent_is_what_is_signed() -> None:
    settings = from_environment({"ASSAY_ALLOW_PRIVATE_WEBHOOKS": "1"})
    with http_target() as target:
        text = f"alerts: {{a: {{url: '{target.url}', secret_env: S, template: {{text: $title}}}}}}"
        policy = parse(text)["alert", "a"]
        assert isinstance(policy, AlertPolicy)
        assert deliver(resolve("a", policy, settings, {"S": SECRET}), message()).delivered
        (got,) = target.requests
    headers = {name.lower(): value for name, value in got.headers.items()}
    assert Webhook(SECRET).verify(got.body, headers) == {"text": message().title}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{template: {text: $titel}}", "a.template: $titel is not known; there are: message_id"),
        ("{template: {text: costs $ 5}}", "'costs $ 5' has a $ before no name"),
        ("{template: '{\"text\": '}", "a.template: it is not JSON"),
        ("{template: {at: 2026-01-01}}", "a.template: it is not JSON"),
        ("{template: [$title]}", "it must be a mapping"),
        ("{sink: slack, template: {text: $title}}", "a.template: only a webhook has one"),
    ],
)
def test_a_template_that_cannot_be_sent_is_refused_in_words(given: str, said: str) -> None:
    with pytest.raises(ControlError) as error:
        parse(f"alerts: {{a: {given}}}")
    assert said in str(error.value)


def test_a_template_may_be_text_and_is_the_same_when_it_is_read_again() -> None:
    policy = parse('alerts: {a: {template: \'{"text":"$title"}\'}}')["alert", "a"]
    assert isinstance(policy, AlertPolicy)
    assert payload(policy.template, "a") == policy.template == '{"text": "$title"}'


def test_every_field_of_a_message_has_a_name_in_templates() -> None:
    assert list(IN_TEMPLATES) == [f.name for f in fields(Message)]
