"""Which traces and sessions of waiting items go with a session or a user: a trace that is only
half sent, or stored by nobody yet, is known from files alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector import requeue, segment
from collector.lanes import DEAD
from collector.segment import Record
from collector.signals.admission import containers
from collector.signals.base import Signal

Named = tuple[str, str]  # (kind, name): session or user


@dataclass(slots=True)
class Mentions:
    """By trace: the sessions and users that its waiting items name."""

    found: dict[str, set[Named]] = field(default_factory=dict)

    def note(self, trace: str, named: list[Named]) -> None:
        if trace:
            self.found.setdefault(trace, set()).update(named)

    def traces(self, wanted: set[Named]) -> set[str]:
        """Traces any of whose items names one of the wanted."""
        return {trace for trace, named in self.found.items() if named & wanted}

    def sessions(self, traces: set[str]) -> set[str]:
        """Sessions that the traces name."""
        return {
            name
            for trace in traces
            for kind, name in self.found.get(trace, set())
            if kind == "session"
        }


def read(lane: Path, signal: Signal, project: str, into: Mentions) -> None:
    """Add what waits in a lane, its dead letters too; files that vanish meanwhile are stored."""
    for path in (*sorted(lane.glob("*.open")), *sorted(lane.glob("*.sealed"))):
        try:
            bodies = [item.body for item in segment.walk(path) if isinstance(item, Record)]
        except FileNotFoundError:
            continue
        for body in bodies:
            _request(body, signal, project, into)
    for path in (lane / DEAD, *sorted(lane.glob(requeue.PATTERN))):
        for letter in _letters(path):
            if letter.get("otlp"):
                _request(base64.b64decode(letter["otlp"]), signal, project, into)
            elif isinstance(row := letter.get("row", letter.get("span")), dict):
                _row(row, signal, project, into)


def _letters(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _request(body: bytes, signal: Signal, project: str, into: Mentions) -> None:
    try:
        request: Any = signal.request.FromString(body)
    except Exception:
        return  # the parser's errors are no closed list; purge removes what nobody can read
    for owner, items in containers(request):
        if owner != project:
            continue
        for item in items:
            if trace := getattr(item, "trace_id", b""):
                pairs = ((a.key, a.value.string_value) for a in item.attributes)
                into.note(trace.hex(), signal.naming.named(pairs))


def _row(row: dict[str, Any], signal: Signal, project: str, into: Mentions) -> None:
    if row.get("project") == project:
        named = signal.naming.named((row.get("attributes") or {}).items())
        named += [
            (kind, str(row[column]))
            for kind, column in (("session", "session_id"), ("user", "user_id"))
            if row.get(column)
        ]
        into.note(str(row.get("trace_id", "")), named)
