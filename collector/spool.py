"""The spool: append-only segment files, CRC per record, group fsync before the acknowledgement."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from collector.segment import START, Damage, Record, header, prefix, walk
from schemas.errors import Retryable

log = logging.getLogger("assay.collector")
LARGEST = 4.0


@dataclass(frozen=True, slots=True)
class Limits:
    """When a segment is sealed and when intake stops (bytes, spans, seconds)."""

    spans: int = 10_000
    size: int = 32 * 2**20
    age: float = 1.0
    total: int = 4 * 2**30
    free_floor: int | None = None  # None: max(2 GiB, 5% of the disk)


def floor(disk: int) -> int:
    """Free bytes of a disk of so many below which intake stops."""
    return max(2 * 2**30, disk // 20)


class SpoolInUseError(RuntimeError):
    """Another process owns the folder; two would delete each other's segments."""


class _Group:
    """The appends that one fsync covers."""

    def __init__(self) -> None:
        self.size = self.spans = 0
        self.done = False
        self.error = ""
        self.told: list[Callable[[str], None]] = []

    def end(self, error: str) -> None:
        """Every append of the group is safe, or with an error none is."""
        self.error, self.done = error, True
        for tell in self.told:
            tell(error)


class _Open:
    """The segment that is appended to; the first `synced` bytes hold `spans` that are safe."""

    def __init__(self, folder: Path) -> None:
        token = str(uuid.uuid4())
        self.path = folder / f"{time.time_ns():020d}-{token[:8]}.open"
        self.handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        self.opened = time.monotonic()
        self.size = self.synced = self.spans = 0
        self.held = 0  # spans with those that are not synced yet
        self.broken = False
        try:
            self.write(header(token))
            _sync_folder(folder)
        except OSError:
            self.end()
            raise

    def write(self, *parts: bytes) -> None:
        """All of it or, with an error, nothing: half a record is cut off again."""
        try:
            for part in parts:
                view = memoryview(part)
                while view:
                    view = view[os.write(self.handle, view) :]
        except OSError:
            self.broken = True  # until the cut has worked
            os.ftruncate(self.handle, self.size)
            self.broken = False
            raise
        self.size += sum(map(len, parts))

    def sync(self) -> None:
        """Raises OSError. A file without a name is not on disk, whatever fsync says."""
        os.fsync(self.handle)
        if os.fstat(self.handle).st_nlink == 0:
            raise FileNotFoundError(f"{self.path} was removed")

    def end(self) -> None:
        """Close; keep the file only if something in it was acknowledged."""
        with contextlib.suppress(OSError):
            os.ftruncate(self.handle, self.synced)
        os.close(self.handle)
        with contextlib.suppress(FileNotFoundError):
            if self.spans:
                self.path.rename(self.path.with_name(f"{self.path.stem}-{self.spans}.sealed"))
            else:
                self.path.unlink()


class Spool:
    """Owns its folder. `append` returns after fsync; `sealed` gives what may be written.

    Raises SpoolInUseError when another process has the folder.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits or Limits()
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SpoolInUseError(f"{folder} is in use by another collector") from error
        self._changed = threading.Condition()
        self._file: _Open | None = None
        self._group = _Group()
        self._closing = False
        self._factor = 1.0
        self._trouble = ("", 0.0)  # the last failure and when it was
        for path in sorted(folder.glob("*.open")):
            _recover(path)
        self._total = sum(p.stat().st_size for p in folder.glob("*.sealed"))
        self._flusher = threading.Thread(target=self._flush, name="fsync", daemon=True)
        self._flusher.start()

    def refusal(self) -> str:
        """Why the spool does not accept now, "" if it does."""
        if self._closing:
            return "the collector is stopping"
        if self._total >= self._limits.total:
            return "the spool is full; ClickHouse takes no data"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            usage = shutil.disk_usage(self._folder)
        except OSError as error:
            return f"the spool's folder cannot be used: {error}"
        least = self._limits.free_floor
        if least is None:
            least = floor(usage.total)
        return f"free disk is below {least // 2**20} MiB" if usage.free < least else ""

    def unready(self) -> str:
        """As `refusal`, and why the disk refused what was sent a moment ago."""
        why, when = self._trouble
        return self.refusal() or (why if time.monotonic() - when < 5.0 else "")

    def append(self, body: bytes, spans: int) -> None:
        """Store one request; returns when its bytes are on disk. Raises Retryable."""
        self._accept()
        head = prefix(body, spans, time.time_ns())
        with self._changed:
            while self._due():
                # Else under steady load a segment is never sealed; it becomes one INSERT.
                self._changed.wait()
            group = self._add(head, body, spans)
            while not group.done:
                self._changed.wait()
        if group.error:
            raise refused(group.error)

    def offer(self, body: bytes, spans: int, tell: Callable[[str], None]) -> bool:
        """As `append`, without waiting: `tell` is called by another thread once the bytes are on
        disk, or with the error that kept them from it. False: nothing was done, since a segment is
        being sealed; use `append`. Raises Retryable."""
        self._accept()
        head = prefix(body, spans, time.time_ns())
        with self._changed:
            if self._due() and not self._closing:
                return False
            self._add(head, body, spans).told.append(tell)
        return True

    def _accept(self) -> None:
        why = self.refusal()
        if why:
            raise Retryable(why, delay=5.0)

    def _add(self, head: bytes, body: bytes, spans: int) -> _Group:
        """Write a record, with the lock held; the group whose fsync will cover it."""
        if self._closing:
            raise Retryable("the collector is stopping", delay=5.0)
        try:
            if self._file is None:
                self._file = _Open(self._folder)
            self._file.write(head, body)
            self._file.held += spans
        except OSError as error:
            self._trouble = (f"the spool cannot be written: {error}", time.monotonic())
            raise Retryable(self._trouble[0], delay=5.0) from error
        self._group.size += len(head) + len(body)
        self._group.spans += spans
        self._changed.notify_all()
        return self._group

    def _due(self) -> bool:
        file, growth = self._file, min(self._factor, LARGEST)
        return file is not None and (
            self._closing
            or file.broken
            or file.held >= self._limits.spans * growth
            or file.size >= self._limits.size * growth
            or time.monotonic() - file.opened >= self._limits.age * self._factor
        )

    def pace(self, factor: float) -> None:
        """Seal so many times later than the limits say; memory bounds how large a segment grows."""
        self._factor = factor

    def _flush(self) -> None:
        """One thread: everything appended since the last fsync shares the next one."""
        while True:
            with self._changed:
                while not self._group.size and not self._due():
                    if self._closing and self._file is None:
                        return
                    self._changed.wait(0.05)
                file, group = self._file, self._group
                assert file is not None
                self._group = _Group()
                upto = file.size
            try:
                if group.size:
                    file.sync()
            except OSError as error:
                with self._changed:
                    self._fail(group, str(error))
                continue
            with self._changed:
                self._total += upto - file.synced
                file.synced = upto
                file.spans += group.spans
                group.end("")
                self._trouble = ("", 0.0)
                if file.broken:
                    self._fail(self._group, "an earlier write failed")
                elif not self._group.size and self._due():
                    self._seal(file)
                self._changed.notify_all()

    def _fail(self, group: _Group, error: str) -> None:
        """A failed fsync is not retried: what it covered, and what came behind, is refused."""
        log.error("the spool's disk failed: %s", error)
        self._trouble = (error, time.monotonic())
        for each in (group, self._group):
            each.end(error)
        self._group = _Group()
        if self._file is not None:
            self._seal(self._file)
        self._changed.notify_all()

    def _seal(self, file: _Open) -> None:
        self._file = None
        try:
            file.end()
        except OSError as error:
            log.error("%s cannot be sealed: %s; the next start finds it", file.path, error)

    def sealed(self) -> list[Path]:
        """Segments that wait to be written, oldest first."""
        return sorted(self._folder.glob("*.sealed"))

    def delete(self, path: Path) -> None:
        """Remove a segment whose INSERT is durable."""
        self._gone(path, None)

    def move(self, path: Path, target: Path) -> None:
        """Move a segment whose INSERT is durable to another folder of this disk. Raises OSError."""
        self._gone(path, target)
        _sync_folder(target.parent)

    def keep_aside(self, path: Path) -> Path:
        """Move a damaged segment, whose whole records are stored, to where a person finds it."""
        target = self._folder / "damaged" / path.name
        target.parent.mkdir(exist_ok=True)
        self._gone(path, target)
        return target

    def damaged(self) -> int:
        """Number of segments that were kept aside."""
        return len(list((self._folder / "damaged").glob("*.sealed")))

    def _gone(self, path: Path, target: Path | None) -> None:
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink() if target is None else path.rename(target)
            _sync_folder(self._folder)
            with self._changed:
                self._total = max(0, self._total - size)

    def close(self) -> None:
        """Seal what is open; later appends are refused with Retryable."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._flusher.join(30)

    def release(self) -> None:
        """Let another process have the folder; its end does so, too."""
        self._lock.close()


def refused(error: str) -> Retryable:
    """What a client is told whose data a disk did not take."""
    return Retryable(f"the disk refused the data: {error}", delay=5.0)


def _recover(path: Path) -> None:
    """Seal what a killed process left open, without the record that it was writing.

    A record that the file's end cuts off was not synced, so nobody was told that it is safe.
    """
    items = list(walk(path))
    last = items[-1] if items else None
    if isinstance(last, Damage) and last.torn:
        log.warning("%s: %d torn bytes are cut off", path.name, last.end - last.begin)
        os.truncate(path, last.begin)
    spans = sum(item.spans for item in items if isinstance(item, Record))
    if not spans and path.stat().st_size <= START:
        path.unlink()
    else:
        path.rename(path.with_name(f"{path.stem}-{spans}.sealed"))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
