"""The spool: append-only segment files, CRC per record, group fsync before the acknowledgement.

File: header `ASSAY1\\n` + 36 bytes of UUID token + `\\n`; record: length u32, spans u32, receive
time in ns u64, crc32 u32 (over those three and the bytes), then ExportTraceServiceRequest bytes.
The token is the INSERT's deduplication token: random, so that a re-created spool repeats none.
"""

from __future__ import annotations

import os
import shutil
import struct
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from schemas.errors import Retryable

MAGIC = b"ASSAY1\n"
_HEAD = struct.Struct("<IIQ")
_CRC = struct.Struct("<I")
_START = len(MAGIC) + 37


@dataclass(frozen=True, slots=True)
class Limits:
    """When a segment is sealed and when intake stops (bytes, spans, seconds)."""

    spans: int = 10_000
    size: int = 32 * 2**20
    age: float = 1.0
    total: int = 4 * 2**30
    free_floor: int | None = None  # None: max(2 GiB, 5% of the disk)


@dataclass(frozen=True, slots=True)
class Record:
    received_ns: int
    body: bytes


def token_of(path: Path) -> str:
    """The token in a segment's header; "" where the header is torn."""
    with path.open("rb") as file:
        head = file.read(_START)
    whole = len(head) == _START and head.startswith(MAGIC)
    return head[len(MAGIC) : -1].decode("ascii", "replace") if whole else ""


def read(path: Path) -> Iterator[Record]:
    """Records in order; ends at a torn or corrupt one, which was never acknowledged."""
    data = path.read_bytes()
    at = _START
    while at + _HEAD.size + _CRC.size <= len(data):
        head = data[at : at + _HEAD.size]
        length, _spans, received = _HEAD.unpack(head)
        (crc,) = _CRC.unpack_from(data, at + _HEAD.size)
        begin = at + _HEAD.size + _CRC.size
        body = data[begin : begin + length]
        if len(body) < length or zlib.crc32(body, zlib.crc32(head)) != crc:
            return
        yield Record(received, body)
        at = begin + length


class Spool:
    """Owns its folder. `append` returns after fsync; `sealed` gives what may be written."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits or Limits()
        folder.mkdir(parents=True, exist_ok=True)
        self._changed = threading.Condition()
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._opened = 0.0
        self._spans = self._size = 0
        self._appended = self._synced = 0
        self._broken = 0  # the last append number whose fsync failed
        self._closing = False
        for path in folder.glob("*.open"):
            path.rename(path.with_suffix(".sealed"))
        self._total = sum(p.stat().st_size for p in folder.glob("*.sealed"))
        self._flusher = threading.Thread(target=self._flush, name="fsync", daemon=True)
        self._flusher.start()

    def refusal(self) -> str:
        """Why the spool does not accept now, "" if it does."""
        if self._closing:
            return "the collector is stopping"
        if self._total >= self._limits.total:
            return "the spool is full; ClickHouse takes no data"
        usage = shutil.disk_usage(self._folder)
        floor = self._limits.free_floor
        if floor is None:
            floor = max(2 * 2**30, usage.total // 20)
        return f"free disk is below {floor // 2**20} MiB" if usage.free < floor else ""

    def append(self, body: bytes, spans: int) -> None:
        """Store one request; returns when its bytes are on disk. Raises Retryable."""
        why = self.refusal()
        if why:
            raise Retryable(why, delay=5.0)
        head = _HEAD.pack(len(body), spans, time.time_ns())
        crc = _CRC.pack(zlib.crc32(body, zlib.crc32(head)))
        with self._changed:
            try:
                if self._file is None:
                    self._open()
                assert self._file is not None
                self._file.write(head + crc + body)
            except OSError as error:
                self._abandon()
                raise Retryable(f"the spool cannot be written: {error}", delay=5.0) from error
            self._appended += 1
            mine = self._appended
            self._spans += spans
            self._size += len(body)
            self._total += len(body) + len(head) + len(crc)
            self._changed.notify_all()
            while self._synced < mine:
                self._changed.wait()
            if mine <= self._broken:
                raise Retryable("the disk refused the data", delay=5.0)

    def _open(self) -> None:
        token = str(uuid.uuid4())
        self._path = self._folder / f"{time.time_ns():020d}-{token[:8]}.open"
        self._file = self._path.open("wb")
        self._file.write(MAGIC + token.encode() + b"\n")
        _sync_folder(self._folder)
        self._opened = time.monotonic()
        self._spans = self._size = 0

    def _abandon(self) -> None:
        """A failed file takes no more records; what it holds whole is still written."""
        path, self._path, self._file = self._path, None, None
        if path is not None and path.exists():
            path.rename(path.with_suffix(".sealed"))

    def _due(self) -> bool:
        return self._file is not None and (
            self._closing
            or self._spans >= self._limits.spans
            or self._size >= self._limits.size
            or time.monotonic() - self._opened >= self._limits.age
        )

    def _flush(self) -> None:
        """One thread: everything appended since the last fsync shares the next one."""
        while True:
            with self._changed:
                while self._synced == self._appended and not self._due():
                    if self._closing and self._file is None:
                        return
                    self._changed.wait(0.05)
                file, upto = self._file, self._appended
                before = self._synced
            failed = False
            if upto > before:
                try:
                    assert file is not None
                    file.flush()
                    os.fsync(file.fileno())
                except (OSError, ValueError, AssertionError):
                    failed = True
            with self._changed:
                if failed:
                    self._broken = upto
                    self._abandon()
                self._synced = upto
                if self._synced == self._appended and self._due():
                    self._seal()
                self._changed.notify_all()

    def _seal(self) -> None:
        assert self._file is not None and self._path is not None
        self._file.close()
        self._path.rename(self._path.with_suffix(".sealed"))
        self._file = self._path = None

    def sealed(self) -> list[Path]:
        """Segments that wait to be written, oldest first."""
        return sorted(self._folder.glob("*.sealed"))

    def delete(self, path: Path) -> None:
        """Remove a segment whose INSERT is durable."""
        size = path.stat().st_size
        path.unlink()
        _sync_folder(self._folder)
        with self._changed:
            self._total = max(0, self._total - size)

    def close(self) -> None:
        """Seal what is open; later appends are refused with Retryable."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._flusher.join(30)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
