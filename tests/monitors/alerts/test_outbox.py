"""Every firing is delivered, under one id, whatever the receiver does meanwhile."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitors.alerts.compose import address
from monitors.alerts.destination import Answer, Destination, Sink
from monitors.alerts.journal import Event, Journal, Pending
from monitors.alerts.message import RESOLVED, Message
from monitors.alerts.outbox import LONGEST_MS, after, delay_ms, drain
from monitors.alerts.routes import Routes
from monitors.alerts.sinks import webhook
from schemas.alerting import AlertPolicy, SilencePolicy
from tests.conftest import free_port
from tests.monitors.alerts.receivers import SECRET, destination, http_target, message

START = 1_800_000_000_000
SECOND, HOUR = 1000, 3600 * 1000
SINKS: dict[str, Sink] = {"webhook": webhook.deliver}


class Clock:
    """Time that passes when it is told to, in milliseconds."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "outbox")
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def event(name: str = "f1", said: Message | None = None, to: tuple[str, ...] = ("on-call",),
          at: int = START, key: str = "") -> Event:  # fmt: skip
    text = dataclasses.replace(said or message(), key=key or name)
    pending = tuple(address(text, name, each, AlertPolicy(), "", at) for each in to)
    return Event(name, "shop", key or name, at, pending)


def where(*found: Destination, silences: dict[str, SilencePolicy] | None = None) -> Routes:
    return Routes(
        {d.name: AlertPolicy(d.sink) for d in found}, {d.name: d for d in found}, silences or {}
    )


def states(journal: Journal) -> list[str]:
    return [p.row.status for e in journal.events() for p in e.pending]


def test_a_receiver_that_is_down_for_an_hour_gets_the_alert_once(
    journal: Journal, clock: Clock
) -> None:
    port = free_port()
    routes = where(destination("webhook", f"http://127.0.0.1:{port}/", secrets=(SECRET,)))
    journal.put(event())
    while clock.now < START + HOUR:
        assert drain(journal, routes, SINKS, clock) == 0
        clock.now += 10 * SECOND
    tried = journal.events()[0].pending[0].row.attempts
    assert 8 <= tried <= 40  # with growing waits: not 360 times
    with http_target(port=port) as target:
        until = clock.now + HOUR
        while clock.now < until:
            drain(journal, routes, SINKS, clock)
            clock.now += 10 * SECOND
        (got,) = target.requests
    assert got.headers["webhook-id"] == "f1-on-call"
    assert states(journal) == ["delivered"]


def test_errors_of_a_receiver_are_retried_under_the_same_id_and_body(
    journal: Journal, clock: Clock
) -> None:
    journal.put(event())
    with http_target() as target:
        target.answers = [(500, {}, "oops"), (404, {}, ""), (503, {}, ""), (301, {}, "")]
        routes = where(destination("webhook", target.url))
        done = 0
        for _ in range(200):
            done += drain(journal, routes, SINKS, clock)
            clock.now += 5 * SECOND
        assert done == 1
        assert len({(r.headers["webhook-id"], r.body) for r in target.requests}) == 1
        assert len(target.requests) == 5


def test_retry_after_is_kept_to(journal: Journal, clock: Clock) -> None:
    journal.put(event())
    with http_target() as target:
        target.answers = [(429, {"retry-after": "600"}, "")]
        routes = where(destination("webhook", target.url))
        for _ in range(59):
            drain(journal, routes, SINKS, clock)
            clock.now += 10 * SECOND
        assert len(target.requests) == 1
        clock.now += 20 * SECOND
        assert drain(journal, routes, SINKS, clock) == 1


def test_a_destination_that_is_gone_is_left_alone_until_it_is_configured_anew(
    journal: Journal, clock: Clock
) -> None:
    journal.put(event("f1"))
    journal.put(event("f2", at=START + 1))
    with http_target() as gone, http_target() as fresh:
        gone.answers = [(410, {}, "")]
        for _ in range(100):
            drain(journal, where(destination("webhook", gone.url)), SINKS, clock)
            clock.now += 60 * SECOND
        assert len(gone.requests) == 1
        clock.now += HOUR
        routes = where(destination("webhook", fresh.url))
        assert drain(journal, routes, SINKS, clock) == 2
        assert [r.headers["webhook-id"] for r in fresh.requests] == ["f1-on-call", "f2-on-call"]


def test_a_delivery_that_fails_for_three_days_is_dead(journal: Journal, clock: Clock) -> None:
    journal.put(event())
    calls = []

    def broken(_to: Destination, sent: Message) -> Answer:
        calls.append(clock.now)
        return Answer(500, "no")

    routes = where(destination("broken", ""))
    while clock.now < START + LONGEST_MS + 2 * HOUR:
        drain(journal, routes, {"broken": broken}, clock)
        clock.now += 600 * SECOND
    assert states(journal) == ["dead"]
    assert calls[-1] - calls[0] > LONGEST_MS - 2 * HOUR
    assert journal.events()[0].pending[0].row.error == "no"


def test_a_destination_that_hangs_is_tried_once_a_pass_and_others_are_served(
    journal: Journal, clock: Clock
) -> None:
    for n in range(5):
        journal.put(event(f"f{n}", to=("slow", "good"), at=START + n))
    calls: list[str] = []

    def hangs(_to: Destination, sent: Message) -> Answer:
        calls.append(sent.message_id)
        return Answer(0, "timeout")

    def takes(_to: Destination, sent: Message) -> Answer:
        return Answer(200)

    routes = where(Destination("slow", "hangs"), Destination("good", "takes"))
    clock.now += SECOND
    assert drain(journal, routes, {"hangs": hangs, "takes": takes}, clock) == 5
    assert calls == ["f0-slow"]


def test_the_end_of_an_alert_never_overtakes_it(journal: Journal, clock: Clock) -> None:
    journal.put(event("f1"))
    journal.put(event("f1-end", message(RESOLVED), at=START + 1, key="f1"))
    with http_target() as target:
        target.answers = [(500, {}, "")]
        routes = where(destination("webhook", target.url))
        assert drain(journal, routes, SINKS, clock) == 0
        clock.now += 10 * SECOND
        assert drain(journal, routes, SINKS, clock) == 2
        ids = [r.headers["webhook-id"] for r in target.requests]
    assert ids == ["f1-on-call", "f1-on-call", "f1-end-on-call"]


def test_an_alert_that_is_silenced_waits_and_is_sent_when_the_silence_ends(
    journal: Journal, clock: Clock
) -> None:
    until = SilencePolicy("2027-01-15T09:00:00+00:00")
    journal.put(event())
    with http_target() as target:
        routes = where(destination("webhook", target.url), silences={"on-call": until})
        clock.now = round(until.ends.timestamp() * 1000) - 1
        assert drain(journal, routes, SINKS, clock) == 0
        assert target.requests == []
        clock.now += 1
        assert drain(journal, routes, SINKS, clock) == 1


def test_an_alert_that_came_and_went_in_a_silence_is_not_sent(
    journal: Journal, clock: Clock
) -> None:
    journal.put(event("f1"))
    journal.put(event("f1-end", message(RESOLVED), at=START + 1, key="f1"))
    silences = {"groundedness": SilencePolicy("2030-01-01")}
    with http_target() as target:
        there = destination("webhook", target.url)
        assert drain(journal, where(there, silences=silences), SINKS, clock) == 0
        assert states(journal) == ["dropped", "dropped"]
        assert drain(journal, where(there), SINKS, clock) == 0
        assert target.requests == []


def test_a_variable_that_is_not_set_is_said_and_waited_for(journal: Journal, clock: Clock) -> None:
    journal.put(event())
    with http_target() as target:
        whole = destination("webhook", target.url)
        lacking = dataclasses.replace(whole, problem="the variable X is not set")
        drain(journal, where(lacking), SINKS, clock)
        assert journal.events()[0].pending[0].row.error == "the variable X is not set"
        clock.now += 10 * SECOND
        assert drain(journal, where(whole), SINKS, clock) == 1


def test_a_sink_that_raises_or_is_not_installed_is_a_failed_attempt(
    journal: Journal, clock: Clock
) -> None:
    def raises(_to: Destination, sent: Message) -> Answer:
        raise RuntimeError("bug")

    journal.put(event("f1", to=("a", "b", "c")))
    routes = where(Destination("a", "raises"), Destination("b", "nowhere"))
    drain(journal, routes, {"raises": raises}, clock)
    errors = [p.row.error for p in journal.events()[0].pending]
    assert errors[0] == "RuntimeError: bug"
    assert "'nowhere' is installed" in errors[1]
    assert "configured any more" in errors[2]


def test_a_disk_that_refuses_makes_no_receiver_hear_an_alert_again_and_again(
    journal: Journal, clock: Clock, tmp_path: Path
) -> None:
    journal.put(event())
    shutil.rmtree(tmp_path / "outbox")
    with http_target() as target:
        routes = where(destination("webhook", target.url))
        with pytest.raises(OSError):
            drain(journal, routes, SINKS, clock)
        clock.now += HOUR
        assert drain(journal, routes, SINKS, clock) == 0
        assert len(target.requests) == 1
    with pytest.raises(OSError):
        journal.put(event("f2"))
    assert journal.get("f2") is None


def test_waits_double_to_an_hour_with_jitter_that_only_shortens() -> None:
    assert [delay_ms(n, 0.0) for n in (0, 1, 2, 10, 12, 10**6)] == [
        1000, 2000, 4000, 1024_000, HOUR, HOUR,
    ]  # fmt: skip
    assert delay_ms(3, 1.0) == 4000


def test_no_attempt_is_planned_beyond_three_days() -> None:
    row = event().pending[0].row
    late = Pending(dataclasses.replace(row, attempts=40), START)
    nearly = after(late, Answer(500), START + LONGEST_MS - 2 * HOUR, 0.0)
    assert nearly.row.status == "pending"
    assert after(late, Answer(500), START + LONGEST_MS - HOUR + 1, 0.0).row.status == "dead"
    assert after(late, Answer(200), START + LONGEST_MS + HOUR, 0.0).row.status == "delivered"
