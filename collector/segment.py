"""A segment file: its format, and what can still be read of one that is torn or damaged.

File: header `ASSAY1\\n` + 36 bytes of UUID token + `\\n`; record: length u32, spans u32, receive
time in ns u64, crc32 u32 (over those three and the bytes), then ExportTraceServiceRequest bytes.
The token is the INSERT's deduplication token: random, so that a re-created spool repeats none.
Its name is `<time in ns>-<8 characters of the token>`, and once it is sealed `-<spans>`: what a
damaged file has lost can then be counted.
"""

from __future__ import annotations

import hashlib
import re
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = b"ASSAY1\n"
START = len(MAGIC) + 37
_HEAD = struct.Struct("<IIQ")
_CRC = struct.Struct("<I")
_PREFIX = _HEAD.size + _CRC.size
_TOKEN = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n")
_COUNT = re.compile(r"\d+-[0-9a-f]{8}-(\d+)")
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Record:
    received_ns: int
    body: bytes
    spans: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes from `begin` to `end` that are no record. `torn`: the file ends within one."""

    begin: int
    end: int
    torn: bool


def header(token: str) -> bytes:
    return MAGIC + token.encode() + b"\n"


def prefix(body: bytes, spans: int, received_ns: int) -> bytes:
    """What stands before a record's body."""
    head = _HEAD.pack(len(body), spans, received_ns)
    return head + _CRC.pack(zlib.crc32(body, zlib.crc32(head)))


def token_of(path: Path) -> str:
    """The token in a segment's header; where that is damaged, one made of the file's bytes.

    It is the same at every reading, as a retry needs it, and no other content has it.
    """
    with path.open("rb") as file:
        head = file.read(START)
        if head.startswith(MAGIC) and _TOKEN.fullmatch(head[len(MAGIC) :]):
            return head[len(MAGIC) : -1].decode()
        return "damaged-" + hashlib.sha256(head + file.read()).hexdigest()[:32]


def declared(path: Path) -> int:
    """Spans that a segment was sealed with; what it holds where its name does not say."""
    named = _COUNT.fullmatch(path.stem)
    return int(named.group(1)) if named else sum(r.spans for r in read(path))


def read(path: Path) -> Iterator[Record]:
    """Every whole record in order, also those behind a damaged one."""
    return (item for item in walk(path) if isinstance(item, Record))


def walk(path: Path) -> Iterator[Record | Damage]:
    """Records and what lies between them, in order; one record in memory at a time."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(START)
        if not (head.startswith(MAGIC) and _TOKEN.fullmatch(head[len(MAGIC) :])):
            yield Damage(0, len(head), torn=size <= START)
        at = min(START, size)
        while at < size:
            file.seek(at)
            record = _read_one(file, size - at)
            if record is None:
                break
            yield record
            at += _PREFIX + len(record.body)
        else:
            return
    yield from _behind(path.read_bytes(), at, _made(path))


def _read_one(file: BinaryIO, left: int) -> Record | None:
    head = file.read(_PREFIX)
    if len(head) < _PREFIX or _PREFIX + int(_HEAD.unpack_from(head)[0]) > left:
        return None
    return _record(head + file.read(_HEAD.unpack_from(head)[0]), 0)


def _behind(data: bytes, at: int, made_ns: int) -> Iterator[Record | Damage]:
    """The damage that begins at `at`, and what lies behind it."""
    while at < len(data):
        record = _record(data, at)
        if record is None:
            end = _next(data, at, made_ns)
            yield Damage(at, end, torn=end == len(data) and not _complete(data, at))
            at = end
        else:
            yield record
            at += _PREFIX + len(record.body)


def _complete(data: bytes, at: int) -> bool:
    """Whether the record at `at` would end within the data."""
    if at + _PREFIX > len(data):
        return False
    return at + _PREFIX + int(_HEAD.unpack_from(data, at)[0]) <= len(data)


def _record(data: bytes, at: int) -> Record | None:
    if not _complete(data, at):
        return None
    length, spans, received = _HEAD.unpack_from(data, at)
    (crc,) = _CRC.unpack_from(data, at + _HEAD.size)
    body = data[at + _PREFIX : at + _PREFIX + length]
    known = zlib.crc32(body, zlib.crc32(data[at : at + _HEAD.size]))
    return Record(received, body, spans) if known == crc else None


def _made(path: Path) -> int:
    """When the file was made, by its name; now where the name is none of ours."""
    digits = path.stem.partition("-")[0]
    return int(digits) if digits.isdecimal() else time.time_ns()


def _next(data: bytes, at: int, near_ns: int) -> int:
    """Offset of the first whole record behind `at`, or the end.

    A record's receive time lies within a day of the file's; its two upper bytes are searched for,
    which change every three days, before a checksum is tried.
    """
    near = (near_ns - _DAY_NS, near_ns, near_ns + _DAY_NS)
    tops = {struct.pack("<Q", max(0, ns))[6:] for ns in near}
    pattern = re.compile(b"(?=" + b"|".join(re.escape(top) for top in tops) + b")", re.DOTALL)
    for found in pattern.finditer(data, at + 1 + _HEAD.size - 2):
        begin = found.start() - _HEAD.size + 2
        (received,) = struct.unpack_from("<Q", data, begin + 8)
        if abs(received - near_ns) <= _DAY_NS and _record(data, begin) is not None:
            return begin
    return len(data)
