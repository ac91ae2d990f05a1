"""Consumed segments, kept for a while: what ClickHouse loses after its answer can come back.

A segment whose INSERT returned moves to `stored/` in its lane's folder. It leaves when it is older
than `ASSAY_KEEP_SECONDS` and ClickHouse was seen to hold what is newer (`collector.replay`), or,
oldest first, when all of them take more than `ASSAY_KEEP_MIB` or the disk gets short. Beside a
segment may lie `.split` (what was refused), `.names` (the names that its parts have in the table
`segments`, where it was cut) and `.again` (how often its token was found to be used up).

What lies there is OTLP as the spool had it, redacted. Whoever deletes a person's or a project's
data calls `purge` first: what is purged cannot come back, and what is left could.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from collector.segment import token_of
from collector.spool import Spool, floor

log = logging.getLogger("assay.collector")
FOLDER = "stored"
NOTES = (".split", ".names", ".again")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept segment: its size in bytes, its names in the table `segments`, and when this process
    got or found it, in seconds of the monotonic clock (a clock that jumps expires nothing)."""

    path: Path
    size: int
    names: tuple[str, ...]
    since: float


class Shelf:
    """What one collector process keeps, of all its lanes. Thread-safe."""

    def __init__(
        self, seconds: float, size: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Age in seconds and total in bytes; 0 for either keeps nothing."""
        self._seconds, self._size, self._clock = seconds, size, clock
        self._lock = threading.Lock()
        self._held: dict[Path, Kept] = {}  # oldest first
        self._total = 0

    def found(self, lane: Path) -> None:
        """Take in what an earlier process kept in a lane's folder; its age begins anew."""
        for path in sorted((lane / FOLDER).glob("*.sealed")):
            self._add(path, _names(path))
        self._fit()

    def keep(self, spool: Spool, path: Path, names: Sequence[str]) -> None:
        """Move a segment whose INSERTs are durable out of the spool. Raises no OSError where the
        disk is full: then it is deleted."""
        if not (self._seconds and self._size and names):
            spool.delete(path)
            return
        try:
            target = path.parent / FOLDER / path.name
            target.parent.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path.with_suffix(".split"), target.with_suffix(".split"))
            note_names(target, token_of(path), names)
            spool.move(path, target)
            self._add(target, tuple(names))
        except OSError as error:
            log.warning("%s cannot be kept: %s", path.name, error)
            spool.delete(path)
        self._fit()

    def _add(self, path: Path, names: tuple[str, ...]) -> None:
        size = path.stat().st_size
        with self._lock:
            self._held[path] = Kept(path, size, names, self._clock())
            self._total += size

    def segments(self) -> list[Kept]:
        """What is kept, in the order in which it was stored."""
        with self._lock:
            return list(self._held.values())

    def expire(self) -> None:
        """Delete what is too old."""
        oldest = self._clock() - self._seconds
        for each in self.segments():
            if each.since <= oldest:
                self.drop(each)

    def _fit(self) -> None:
        """Delete the oldest until the rest fits, and leaves intake its free disk."""
        for each in self.segments():
            if self._total <= self._size and not _short(each.path.parent):
                return
            self.drop(each)

    def rename(self, kept: Kept, names: Sequence[str]) -> None:
        """A segment that was cut since has these names."""
        with self._lock:
            if kept.path in self._held:
                self._held[kept.path] = replace(kept, names=tuple(names))

    def drop(self, kept: Kept) -> None:
        """Delete one."""
        with self._lock:
            if self._held.pop(kept.path, None) is not None:
                self._total -= kept.size
        _unlink(kept.path)


def purge(spool: Path) -> int:
    """Delete all kept segments of all workers and signals under ASSAY_HOME/spool; how many.

    For the deletion of data, from any process, before rows are deleted in ClickHouse. Every one of
    them was stored, so nothing is lost, but for what a ClickHouse that was restored a moment ago
    lacks. What still waits in the spool is not touched.
    """
    paths = sorted(spool.glob(f"*/*/{FOLDER}/*.sealed"))
    for path in paths:
        _unlink(path)
    return len(paths)


def note_names(path: Path, token: str, names: Sequence[str]) -> None:
    """Write down the names of a kept segment that are more than its token."""
    if list(names) != [token]:
        path.with_suffix(".names").write_text(json.dumps(list(names)))


def _names(path: Path) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(path.with_suffix(".names").read_text())))
    except (OSError, ValueError):
        return (token_of(path),)


def _short(folder: Path) -> bool:
    """True while free disk is within a tenth of where intake stops."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return False
    return usage.free < 1.1 * floor(usage.total)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
    for note in NOTES:
        path.with_suffix(note).unlink(missing_ok=True)
