"""A test of a destination: a firing and a resolved message, past the outbox, and what came back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from monitors.alerts.compose import findings_page, iso
from monitors.alerts.destination import Answer, Destination, Sink
from monitors.alerts.message import FIRING, RESOLVED, Message, message_id
from monitors.alerts.outbox import send
from monitors.alerts.routes import Routes
from schemas.settings import Settings
from schemas.tries import STALE_MS


def sample(name: str, severity: str, settings: Settings) -> Message:
    """A message that says that it is a test."""
    key = f"test-{uuid.uuid4().hex[:12]}"
    return Message(
        message_id=message_id(key, name), key=key, type="assay.test", state=FIRING,
        title=f"Test of the alert {name}", severity=severity, project="test", signal="test",
        summary="This is a test of Assay's alerts: nothing is wrong, nothing is to be done.",
        sent_at=iso(time.time_ns() // 10**6), url=findings_page("test", settings.explorer),
    )  # fmt: skip


def attempts(
    destination: Destination, severity: str, settings: Settings, sinks: Mapping[str, Sink]
) -> Iterator[tuple[str, Answer]]:
    """(state, answer) of the firing message and, if that was taken, of the resolved one."""
    first = sample(destination.name, severity or "info", settings)
    last = replace(
        first, state=RESOLVED, message_id=message_id(f"{first.key}-end", destination.name),
        title=f"{first.title} is over",
    )  # fmt: skip
    for message in (first, last):
        answer = send(destination, message, sinks)
        yield message.state, answer
        if not answer.delivered:
            return


def tried(
    where: Routes, settings: Settings, sinks: Mapping[str, Sink], name: str, asked_ms: int
) -> dict[str, Any]:  # fmt: skip
    """What a test of an alert brought: sink, target, answers (state, delivered, code, text). Raises
    ValueError where it cannot be sent: no such alert, or asked too long ago."""
    late = time.time_ns() // 10**6 - asked_ms
    if late > STALE_MS:
        raise ValueError(f"not sent: it was asked {late // 60_000} minutes ago; ask again")
    if name not in where.destinations:
        raise ValueError(f"no alert is called {name}; there are: {', '.join(where.destinations)}")
    destination = where.destinations[name]
    found = attempts(destination, where.policies[name].severity, settings, sinks)
    return {
        "sink": destination.sink, "target": destination.target,
        "answers": [
            {"state": state, "delivered": answer.delivered, "code": answer.code,
             "text": answer.text[:300]}
            for state, answer in found
        ],
    }  # fmt: skip
