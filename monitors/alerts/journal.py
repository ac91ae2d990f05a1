"""The outbox on disk: one file for each event, replaced as a whole and synced before anything of
it is sent. What is in it is delivered whether ClickHouse answers or not, under the ids in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from schemas.models import DeliveryRow, FindingRow

log = logging.getLogger("assay.monitors")
GROUPED = "grouped"  # a rule's own row: the message of its group is what is sent
DONE = frozenset({"delivered", "dead", "dropped", GROUPED})


class OutboxInUseError(RuntimeError):
    """Another process sends from this folder."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery; `first_ms` is when it was first tried, 0 before."""

    row: DeliveryRow
    first_ms: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A firing or its end, with all that it asks to send, and the findings that it brought.

    `stored` is False while ClickHouse lacks the last state of it.
    """

    event_id: str
    project: str
    key: str
    created_ms: int
    pending: tuple[Pending, ...]
    findings: tuple[FindingRow, ...] = ()
    stored: bool = False

    @property
    def finished(self) -> bool:
        return all(p.row.status in DONE for p in self.pending)

    def replaced(self, after: Pending) -> Event:
        """The event with one delivery in its next state."""
        changed = tuple(
            after if p.row.delivery_id == after.row.delivery_id else p for p in self.pending
        )
        return replace(self, pending=changed, stored=False)


def _event(given: Mapping[str, Any]) -> Event:
    pending = tuple(Pending(DeliveryRow(**p["row"]), p["first_ms"]) for p in given["pending"])
    found = tuple(FindingRow(**f) for f in given["findings"])
    return Event(**{**given, "pending": pending, "findings": found})


def _write(path: Path, text: str) -> None:
    """All of it or nothing, and on disk when it returns. Raises OSError."""
    part = path.with_suffix(".part")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Journal:
    """The events of a folder that one process owns. Raises OutboxInUseError, OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise OutboxInUseError(f"another process sends the alerts in {folder}") from error
        self._events: dict[str, Event] = {}
        for path in sorted(folder.glob("*.event")):
            try:
                event = _event(json.loads(path.read_text()))
            except (ValueError, TypeError, KeyError):
                log.error("%s is damaged; it is kept as %s.damaged", path, path.name)
                with contextlib.suppress(OSError):
                    path.rename(path.with_name(path.name + ".damaged"))
                continue
            self._events[event.event_id] = event

    def close(self) -> None:
        os.close(self._lock)

    def events(self) -> list[Event]:
        """All that is not done, the oldest first."""
        return sorted(self._events.values(), key=lambda e: (e.created_ms, e.event_id))

    def get(self, event_id: str) -> Event | None:
        return self._events.get(event_id)

    def put(self, event: Event) -> None:
        """Make this the state of the event; on disk when it returns. One that is finished and
        stored is forgotten. Raises OSError: then a new event is not taken, and of a known one this
        process still knows what was tried, so that a full disk sends nothing twice a second."""
        path = self._folder / f"{event.event_id}.event"
        if event.event_id in self._events:
            self._events[event.event_id] = event
        if event.finished and event.stored:
            self.discard(event.event_id)
            return
        _write(path, json.dumps(asdict(event)))
        self._events[event.event_id] = event

    def discard(self, event_id: str) -> None:
        """Forget an event, sent or not. Raises OSError."""
        (self._folder / f"{event_id}.event").unlink(missing_ok=True)
        self._events.pop(event_id, None)

    def findings(self, project: str) -> list[FindingRow]:
        """Findings of events that ClickHouse may lack."""
        return [f for e in self._events.values() if e.project == project for f in e.findings]

    def load(self, name: str) -> dict[str, Any]:
        """A small document beside the events; {} where there is none, or none that can be read."""
        try:
            found = json.loads((self._folder / f"{name}.json").read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def save(self, name: str, document: Mapping[str, Any]) -> None:
        """Replace a document, if it changed. Raises OSError."""
        if self.load(name) != document:
            _write(self._folder / f"{name}.json", json.dumps(document))
