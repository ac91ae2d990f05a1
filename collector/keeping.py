"""What may be kept, and for how long: retention by project, and tombstones of what was deleted.

Both are control state that every collector reads every few seconds and caches on disk. Intake uses
what it knows; a writer asks for what is at most FRESH seconds old, so that a deletion can tell from
when on no collector writes what it deletes.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from schemas import clickhouse, control
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.queries import tombstones as queries
from schemas.retention import ALLOWED, ATTRIBUTE, Retentions
from schemas.settings import Settings
from schemas.tombstones import Tombstones

log = logging.getLogger("assay.collector")
CACHE = "keeping.json"
SECONDS = 3.0  # between looks
FRESH = 5.0  # seconds after which a writer looks again before it writes
MOST_TRACES = 100_000  # that wait to be deleted because a deleted user's span came late


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in force."""

    retentions: Retentions = field(default_factory=Retentions)
    tombstones: Tombstones = field(default_factory=Tombstones)


class Keeping(Protocol):
    def now(self) -> Kept:
        """What is known."""

    def fresh(self) -> Kept:
        """What was true within the last FRESH seconds. Raises Retryable."""

    def late(self, project: str, trace_id: str) -> None:
        """A span of a deleted user or session came: what else the trace has must go, too."""


class Fixed:
    """Keeps everything for 30 days, or what it is given: for tools and tests."""

    def __init__(self, kept: Kept | None = None) -> None:
        self.kept = kept or Kept()
        self.found: list[tuple[str, str]] = []

    def now(self) -> Kept:
        return self.kept

    def fresh(self) -> Kept:
        return self.kept

    def late(self, project: str, trace_id: str) -> None:
        self.found.append((project, trace_id))


def days_of(resource: Any, project: str, retentions: Retentions) -> int:
    """Days for what a resource brings: what it names if that is allowed, else its project's."""
    for pair in resource.attributes:
        if pair.key == ATTRIBUTE:
            said = pair.value.string_value or str(pair.value.int_value)
            if said.isdecimal() and int(said) in ALLOWED and pair.value.WhichOneof("value"):
                return int(said)
    return retentions.days(project)


Look = Callable[[tuple[Any, ...]], "tuple[tuple[Any, ...], Retentions, Tombstones | None]"]


def look(settings: Settings) -> Look:
    """A function that reads retentions, and tombstones where their stamp has changed."""
    connection = clickhouse.Kept(settings)

    def read(
        stamp: tuple[Any, ...],
    ) -> tuple[tuple[Any, ...], Retentions, Tombstones | None]:
        with connection.store() as store:
            now = queries.stamp(store)
            return now, control.retentions(store), queries.read(store) if now != stamp else None

    return read


class Keeper:
    """Keeping as control state says, as last known while ClickHouse is away. Thread-safe."""

    def __init__(self, home: Path, read: Look) -> None:
        self._cache = home / CACHE
        self._read = read
        self._looking = threading.Lock()
        self._kept = _cached(self._cache)
        self._stamp: tuple[Any, ...] = ()
        self._seen = -FRESH
        self._late: dict[tuple[str, str], None] = {}

    def now(self) -> Kept:
        return self._kept

    def fresh(self) -> Kept:
        if time.monotonic() - self._seen > FRESH:
            self.refresh()
        return self._kept

    def late(self, project: str, trace_id: str) -> None:
        if len(self._late) < MOST_TRACES:
            self._late[project, trace_id] = None

    def take_late(self) -> list[tuple[str, str]]:
        """(project, trace id) noted since the last call."""
        found, self._late = self._late, {}
        return list(found)

    def refresh(self) -> None:
        """Take over what ClickHouse says. Raises Retryable."""
        with self._looking:
            asked = time.monotonic()
            try:
                stamp, retentions, tombstones = self._read(self._stamp)
            except (ControlError, Permanent) as error:
                raise Retryable(f"retention or deletions cannot be read: {error}") from error
            kept = Kept(retentions, tombstones or self._kept.tombstones)
            if kept != self._kept:
                _keep(self._cache, kept)
            self._kept, self._stamp, self._seen = kept, stamp, asked

    def run(self, stop: threading.Event) -> None:
        """Look every SECONDS until `stop`."""
        while True:
            try:
                self.refresh()
            except (Retryable, OSError) as error:
                log.debug("what is known of retention and deletions holds: %s", error)
            if stop.wait(SECONDS):
                return


def _keep(path: Path, kept: Kept) -> None:
    dead = [[p, *key, until] for p, each in kept.tombstones.found.items()
            for key, until in each.items()]  # fmt: skip
    said = {"retention": dict(kept.retentions.by_project), "tombstones": dead,
            "salt": kept.tombstones.salt.hex()}  # fmt: skip
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(said))
    draft.replace(path)


def _cached(path: Path) -> Kept:
    """What was cached; a damaged cache is none: before it writes, a writer reads afresh anyway."""
    try:
        said = json.loads(path.read_text()) if path.exists() else {}
        found: dict[str, dict[tuple[str, str], int]] = {}
        for project, kind, digest, until in said.get("tombstones", []):
            found.setdefault(project, {})[kind, digest] = int(until)
        days = {str(p): int(n) for p, n in said.get("retention", {}).items()}
        return Kept(Retentions(days), Tombstones(bytes.fromhex(said.get("salt", "")), found))
    except (ValueError, TypeError, AttributeError) as error:
        log.error("%s cannot be read and is made anew: %s", path, error)
        return Kept()


@dataclass(frozen=True, slots=True)
class Naming:
    """Attributes by which an item names its session and its user."""

    session: tuple[str, ...] = ()
    user: tuple[str, ...] = ()

    def named(self, attributes: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
        """(kind, name) for each such attribute."""
        found = []
        for key, value in attributes:
            if key in self.session:
                found.append(("session", str(value)))
            if key in self.user:
                found.append(("user", str(value)))
        return found
