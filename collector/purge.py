"""Taking what was deleted out of files: waiting segments, dead letters, and what was kept aside.

A lane that no collector owns is cleaned here. One that a collector owns is left to it: its writer
refuses what was deleted, and its dead letters are put up for another try, which refuses them, too.
"""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector import requeue, segment
from collector.keeping import Kept
from collector.lanes import DEAD
from collector.segment import Record
from collector.signals.admission import gone, strip
from collector.signals.base import Signal
from collector.spool import Spool, SpoolInUseError

# Kept for a person, or for a replay, once their records were stored.
ASIDE = ("damaged", "stored")


@dataclass(slots=True)
class Purged:
    """Items taken out of files, files removed whole, and lanes that a collector owns."""

    items: int = 0
    files: int = 0
    owned: int = 0


def purge(lane: Path, signal: Signal, kept: Kept) -> Purged:
    """Clean one lane. Raises OSError."""
    done = Purged()
    for folder in ASIDE:
        for path in sorted((lane / folder).glob("*")):
            if path.is_file() and _holds(path, signal, kept):
                path.unlink()
                done.files += 1
    try:
        spool = Spool(lane)  # seals what a killed collector left open
    except SpoolInUseError:
        done.owned = 1
        requeue.ask(lane / DEAD)
        return done
    try:
        spool.close()
        for path in spool.sealed():
            done.items += _segment(path, signal, kept)
        for path in (lane / DEAD, *sorted(lane.glob(requeue.PATTERN))):
            done.items += _letters(path, signal, kept)
    finally:
        spool.release()
    return done


def _stripped(body: bytes, signal: Signal, kept: Kept, at_ns: int) -> tuple[bytes, int]:
    """A request without what was deleted, and how many items that was. Raises on no request."""
    request: Any = signal.request.FromString(body)
    removed = strip(request, kept, signal.naming, at_ns).total()
    return (request.SerializeToString() if removed else body), removed


def _holds(path: Path, signal: Signal, kept: Kept) -> bool:
    """Whether a file holds something that was deleted, or something that nobody can read."""
    for item in segment.walk(path):
        if not isinstance(item, Record):
            return True
        try:
            if _stripped(item.body, signal, kept, item.received_ns)[1]:
                return True
        except Exception:
            return True  # the parser's errors are no closed list
    return False


def _segment(path: Path, signal: Signal, kept: Kept) -> int:
    """Write a waiting segment anew without what was deleted; bytes that nobody can read go, too,
    where anything does. How many items went."""
    removed, parts = 0, []
    for item in segment.walk(path):
        if not isinstance(item, Record):
            continue
        body, spans = item.body, item.spans
        try:
            body, count = _stripped(body, signal, kept, item.received_ns)
        except Exception:  # its writer sets it aside as a dead letter
            parts.append(segment.prefix(body, spans, item.received_ns) + body)
            continue
        removed += count
        if spans > count:
            parts.append(segment.prefix(body, spans - count, item.received_ns) + body)
    if not removed:
        return 0
    left = segment.declared(path) - removed
    notes = path.with_suffix(".split")
    if parts:
        head = segment.header(segment.token_of(path))
        stem = "-".join(path.stem.split("-")[:2])
        _replace(path, path.with_name(f"{stem}-{max(0, left)}.sealed"), head + b"".join(parts))
    else:
        path.unlink()
    notes.unlink(missing_ok=True)  # why ClickHouse refused rows may quote them
    return removed


def _letters(path: Path, signal: Signal, kept: Kept) -> int:
    """Write dead letters anew without what was deleted; how many went."""
    if not path.exists():
        return 0
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    left = [line for line in lines if not _dead(line, signal, kept)]
    if len(left) < len(lines):
        if left:
            _replace(path, path, ("\n".join(left) + "\n").encode())
        else:
            path.unlink()
        path.with_suffix(".split").unlink(missing_ok=True)
    return len(lines) - len(left)


def _dead(line: str, signal: Signal, kept: Kept) -> bool:
    """Whether a letter holds what was deleted; one that cannot be read may, and counts as such."""
    try:
        found = json.loads(line)
        said = found.get("row", found.get("span"))
        if said is not None:
            return bool(gone(signal.row(**said), kept, signal.naming))
        return _stripped(base64.b64decode(found["otlp"]), signal, kept, time.time_ns())[1] > 0
    except Exception:
        return True


def _replace(path: Path, target: Path, data: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    if target != path:
        path.unlink()


def waits(lane: Path, since: float) -> bool:
    """Whether files that were there at `since` (unix time) still wait for the lane's collector."""
    found = [*lane.glob("*.sealed"), *lane.glob("*.open"), *lane.glob(requeue.PATTERN)]
    for path in found:
        try:
            if path.stat().st_ctime <= since or path.suffix == ".jsonl":
                return True
        except FileNotFoundError:
            continue  # written meanwhile
    return False
