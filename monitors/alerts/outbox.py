"""Sending what the journal holds: tried until it arrives or has failed for three days."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from monitors.alerts.destination import Answer, Destination, Sink
from monitors.alerts.hold import held
from monitors.alerts.journal import Event, Journal, Pending
from monitors.alerts.message import Message, read
from monitors.alerts.routes import Routes

log = logging.getLogger("assay.monitors")
LONGEST_MS = 3 * 24 * 3600 * 1000  # how long a delivery is tried
_STEP, _MOST, _ASKED = 1000, 3600 * 1000, 24 * 3600 * 1000
Clock = Callable[[], int]  # milliseconds since 1970


def delay_ms(attempt: int, jitter: float) -> int:
    """Wait after the n-th failure: 1 s doubling to an hour, of which `jitter` (0 to 1) takes up
    to a half away, so that many that failed together do not return together."""
    return round(min(_MOST, _STEP << min(attempt, 20)) * (1 - jitter / 2))


def after(pending: Pending, answer: Answer, now_ms: int, jitter: float) -> Pending:
    """The state that follows an attempt at `now_ms`. A receiver's Retry-After is kept to, up to a
    day; a delivery that has failed for three days is dead."""
    row, first = pending.row, pending.first_ms or now_ms
    wait = max(delay_ms(row.attempts + 1, jitter), min(_ASKED, round(answer.retry_after * 1000)))
    status = "delivered" if answer.delivered else "pending"
    if status == "pending" and now_ms + wait - first > LONGEST_MS:
        status = "dead"
    return Pending(
        replace(
            row, status=status, attempts=row.attempts + 1, response_code=max(0, answer.code),
            error=answer.text, next_attempt_at=now_ms + wait, updated_at=now_ms * 1000,
        ),
        first,
    )  # fmt: skip


def dropped(pending: Pending, why: str, now_ms: int) -> Pending:
    row = replace(pending.row, status="dropped", error=why, updated_at=now_ms * 1000)
    return replace(pending, row=row)


def send(destination: Destination, message: Message, sinks: Mapping[str, Sink]) -> Answer:
    """Try once. A sink of a plug-in that raises is a sink that failed."""
    if destination.problem:
        return Answer(0, destination.problem)
    sink = sinks.get(destination.sink)
    if sink is None:
        return Answer(0, f"no sink {destination.sink!r} is installed; see docs/add-a-sink.md")
    try:
        return sink(destination, message)
    except Exception as error:
        log.exception("the sink %s failed", destination.sink)
        return Answer(0, f"{type(error).__name__}: {error}"[:300])


def attempt(pending: Pending, destination: Destination | None, sinks: Mapping[str, Sink]) -> Answer:
    """Try a delivery once."""
    if destination is None:
        return Answer(0, "no alert of this name is configured any more")
    try:
        message = read(pending.row.body)
    except (ValueError, TypeError) as error:
        return Answer(0, f"its body cannot be read: {error}"[:300])
    return send(destination, message, sinks)


def _gone(journal: Journal, destination: Destination) -> bool:
    """True where the receiver answered 410 to this very configuration."""
    found = journal.load("gone").get(destination.name, {})
    return bool(found) and found["fingerprint"] == destination.fingerprint


def _set_gone(journal: Journal, destination: Destination, now_ms: int) -> None:
    log.error("%s answered 410: nothing is sent until its configuration changes", destination.name)
    mine = {"fingerprint": destination.fingerprint, "since_ms": now_ms}
    journal.save("gone", {**journal.load("gone"), destination.name: mine})


class _Round:
    """One pass over the journal: a destination that fails is left alone until the next pass, so
    that one that hangs holds the others up once and not once for each of its messages."""

    def __init__(self, journal: Journal, routes: Routes, sinks: Mapping[str, Sink], now: Clock):
        self.journal, self.routes, self.sinks, self.now = journal, routes, sinks, now
        self.done = 0
        self._failing: set[str] = set()
        self._unfinished: dict[tuple[str, str], tuple[Event, Pending]] = {}

    def deliver(self, event: Event, pending: Pending) -> Event:
        """The event after what could be done about one of its deliveries."""
        name = pending.row.rule
        earlier = self._unfinished.get((event.key, name))
        self._unfinished[event.key, name] = (event, pending)
        now_ms = self.now()
        why = self._held(pending, now_ms)
        if earlier is not None:
            # The end of an alert never overtakes it; of one that nobody heard of, nobody hears.
            if why and not earlier[1].first_ms:
                return self._quietly(event, pending, earlier, now_ms)
            return event
        destination = self.routes.destinations.get(name)
        if why or name in self._failing or pending.row.next_attempt_at > now_ms:
            return event
        if destination is not None and _gone(self.journal, destination):
            answer = Answer(410, "it answered 410 before: nothing is sent until it is changed")
        else:
            answer = attempt(pending, destination, self.sinks)
            if answer.code == 410 and destination is not None:
                _set_gone(self.journal, destination, now_ms)
        result = after(pending, answer, self.now(), random.random())
        event = event.replaced(result)
        self.journal.put(event)
        if result.row.status == "pending":
            self._failing.add(name)
            self._unfinished[event.key, name] = (event, result)
            log.warning("alert %s to %s: %s", result.row.delivery_id, name, answer.text)
        else:
            del self._unfinished[event.key, name]
            self.done += result.row.status == "delivered"
        return event

    def _held(self, pending: Pending, now_ms: int) -> str:
        policy = self.routes.policies.get(pending.row.rule)
        if policy is None:
            return ""
        try:
            message = read(pending.row.body)
        except (ValueError, TypeError):
            return ""
        return held(message, pending.row.rule, policy, self.routes.silences, now_ms)

    def _quietly(
        self, event: Event, pending: Pending, earlier: tuple[Event, Pending], now_ms: int
    ) -> Event:
        why = "it began and ended while it was silenced"
        first = self.journal.get(earlier[0].event_id) or earlier[0]
        self.journal.put(first.replaced(dropped(earlier[1], why, now_ms)))
        event = event.replaced(dropped(pending, why, now_ms))
        self.journal.put(event)
        del self._unfinished[event.key, pending.row.rule]
        return event


def drain(journal: Journal, routes: Routes, sinks: Mapping[str, Sink], now: Clock) -> int:
    """Try every delivery that is due; the number delivered. Raises OSError where the disk fails."""
    work = _Round(journal, routes, sinks, now)
    for event in journal.events():
        for pending in event.pending:
            if pending.row.status == "pending":
                event = work.deliver(event, pending)
    return work.done
