"""A test of an alert from its page: asked by who may, sent by the monitors, told as it went."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from monitors.alerts.routes import routes
from monitors.alerts.sinks import webhook
from monitors.alerts.trying import tried
from monitors.questions import answer_waiting
from schemas import control, tries
from schemas.clickhouse import Store
from schemas.logins import Person
from schemas.queries import questions
from schemas.settings import Settings
from tests.monitors.alerts.receivers import http_target
from tests.ui.pages import opened, words

EDITOR = Person("ada", "editor")


@pytest.fixture(autouse=True)
def clean(store: Store) -> Iterator[None]:
    """Control state is the store's: leave none behind."""
    yield
    control.apply(store, {}, "test")


def monitors(store: Store, settings: Settings) -> Callable[[str, int], dict[str, Any]]:
    """What running monitors hand on; receivers of tests are on this machine."""
    mine = dataclasses.replace(settings, allow_private_webhooks=True)
    state = control.read(store)
    where = routes(state.alerts, state.silences, mine, {})
    return partial(tried, where, mine, {"webhook": webhook.deliver})


def test_the_button_sends_two_messages_and_shows_what_came_back(
    settings: Settings, store: Store, filled: str
) -> None:
    with http_target() as target:
        target.answers = [(202, {}, ""), (403, {}, "bad key")]
        text = f"alerts: {{hook: {{sink: webhook, url: '{target.url}'}}}}"
        control.apply(store, control.parse(text), "test")
        page = opened(settings, "alerts", filled)
        assert not [b for b in page.button if b.key == "test-send"], "a viewer sends nothing"
        page.session_state["viewer"] = EDITOR
        page.run(timeout=120)
        page.button(key="test-send").click().run(timeout=120)
        assert "Sending a test of hook" in words(page) and not target.requests
        assert answer_waiting(store, monitors(store, settings)) == 1
        page.run(timeout=120)
        assert not page.exception and "Not taken by hook: webhook" in words(page)
        table = page.dataframe[-1].value
        assert table["delivered"].tolist() == ["yes", "no"]
        assert table["answer"].tolist() == ["202", "403"] and "bad key" in table["words"][1]
        assert [json.loads(r.body)["type"] for r in target.requests] == ["assay.test"] * 2


def test_a_test_asked_twice_at_once_is_one_and_a_late_one_is_not_sent(
    settings: Settings, store: Store, filled: str
) -> None:
    moment = time.time_ns() // 10**6
    first, again = (tries.ask(store, filled, "gone", "ada", moment) for _ in range(2))
    assert first == again
    assert tries.ask(store, filled, "gone", "ada", moment - tries.EVERY_MS) != first
    answer_waiting(store, monitors(store, settings))
    found = questions.question(store, filled, again)
    assert found is not None and found["status"] == "failed"
    assert "no alert is called gone" in json.loads(found["answer"])["error"]
    with pytest.raises(ValueError, match="ask again"):
        monitors(store, settings)("hook", time.time_ns() // 10**6 - tries.STALE_MS - 1)
