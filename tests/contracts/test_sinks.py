"""The contract of every registered sink: an answer with a reason, never an exception."""

from __future__ import annotations

import logging

import pytest

from monitors.alerts.destination import Destination, Sink
from monitors.alerts.message import FIRING, RESOLVED, TEST, Message
from schemas.registry import load
from tests.conftest import free_port
from tests.monitors.alerts.receivers import SECRET, destination, message

SINKS: dict[str, Sink] = load("sink", "monitors.alerts.sinks")
TOKEN = "xyzzy-token"


@pytest.fixture(params=SINKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def to(name: str, where: str, **changes: object) -> Destination:
    """A destination of the sink whose receiver is at `where` (host:port/path)."""
    scheme = "smtp+plain" if name == "email" else "http"
    return destination(name, f"{scheme}://{where}", secrets=(SECRET,), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [FIRING, RESOLVED, TEST])
def test_a_receiver_that_is_away_is_an_answer_and_no_exception(name: str, state: str) -> None:
    answer = SINKS[name](to(name, f"127.0.0.1:{free_port()}/{TOKEN}"), message(state))
    assert answer.delivered or (answer.code == 0 and answer.text)
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "bad",
    [
        Destination("a", "", ""),
        Destination("a", "", "not a url"),
        Destination("a", "", "http://no-such-host.invalid/", ("whsec_no base64!",)),
        Destination("a", "", "smtp://no-such-host.invalid:99999", ("a\nb",), ("a\nb@c",)),
        Destination("a", "", "http://[::1", ("é\n",)),
    ],
)
def test_a_bad_destination_is_an_answer_and_no_exception(name: str, bad: Destination) -> None:
    # An installation that cannot reach PagerDuty's own address would wait for its resolver.
    if name == "pagerduty" and not bad.url:
        return
    answer = SINKS[name](bad, message())
    assert answer.delivered or answer.text


def test_a_private_target_is_refused_unless_it_is_allowed(name: str) -> None:
    refused = to(name, f"127.0.0.1:{free_port()}/", allow_private=False)
    answer = SINKS[name](refused, message())
    assert answer.delivered or "ASSAY_ALLOW_PRIVATE_WEBHOOKS" in answer.text


def test_an_alert_with_nothing_but_its_title_can_be_sent(name: str) -> None:
    bare = Message("i", "k", "assay.rule.firing", FIRING, "t", "info", "p", "s", "")
    answer = SINKS[name](to(name, f"127.0.0.1:{free_port()}/"), bare)
    assert answer.delivered or answer.code == 0


def test_no_secret_is_shown(name: str, caplog: pytest.LogCaptureFixture) -> None:
    given = to(name, f"127.0.0.1:{free_port()}/{TOKEN}")
    with caplog.at_level(logging.DEBUG):
        answer = SINKS[name](given, message())
    said = f"{given!r} {answer!r} {given.target} {caplog.text}"
    assert SECRET not in said and TOKEN not in said
