"""The contract of every registered sink: a code and a reason, never an exception."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.registry import load
from schemas.settings import Settings, from_environment
from tests.conftest import free_port

Deliver = Callable[[Settings, str, str], tuple[int, str]]
SINKS: dict[str, Deliver] = load("sink", "monitors.alerts.sinks")
BODY = json.dumps({"type": "assay.finding.confirmed", "summary": "groundedness fell"})


@pytest.fixture(params=SINKS)
def sink(request: pytest.FixtureRequest) -> Deliver:
    return SINKS[request.param]


@pytest.fixture
def nobody(tmp_path: Path) -> Settings:
    """Settings whose target exists nowhere."""
    return from_environment(
        {"ASSAY_HOME": str(tmp_path), "ASSAY_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/",
         "ASSAY_ALLOW_PRIVATE_WEBHOOKS": "1"}
    )  # fmt: skip


def test_an_unreachable_target_is_an_answer_and_no_exception(
    sink: Deliver, nobody: Settings
) -> None:
    code, reason = sink(nobody, "m-1", BODY)
    assert 200 <= code < 300 or reason


@pytest.mark.parametrize(
    "change",
    [
        {"webhook_url": "http://no-such-host.invalid/"},
        {"webhook_url": "not a url"},
        {"webhook_secret": "whsec_no base64!"},
    ],
)
def test_a_bad_setting_is_an_answer_and_no_exception(
    sink: Deliver, nobody: Settings, change: dict[str, str]
) -> None:
    code, reason = sink(dataclasses.replace(nobody, **change), "m-1", BODY)
    assert 200 <= code < 300 or reason


def test_a_private_target_is_refused_unless_it_is_allowed(sink: Deliver, nobody: Settings) -> None:
    code, _ = sink(dataclasses.replace(nobody, allow_private_webhooks=False), "m-1", BODY)
    assert code == 410 or 200 <= code < 300
