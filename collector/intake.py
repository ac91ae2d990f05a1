"""What both transports share: check, spool, count; limits; the answer to partial success."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from collector.access import Access, Grant, Refusal
from collector.lanes import Lane
from collector.rejections import Rejections
from collector.signals.base import Checked, parts, projects, sizes
from schemas.errors import Retryable

MAX_BYTES = 64 * 2**20  # OTLP specification: the limit holds after decompression
MAX_IN_FLIGHT = 4 * MAX_BYTES  # bytes of all requests that are being received, together
MAX_ITEMS = 5000  # of a record, so that the writer holds few rows at once, whatever was sent
COPIES = 2  # of a body beside itself: parsed, and serialised again


def readable(text: str) -> str:
    """A reason as an answer can carry it: short, and UTF-8 whatever the client sent."""
    return text[:1000].encode("utf-8", "replace").decode()


class Flight:
    """How many bytes of requests are in memory, over all transports. Thread-safe."""

    def __init__(self, limit: int = MAX_IN_FLIGHT) -> None:
        self._limit = limit
        self._held = 0
        self._lock = threading.Lock()

    @contextmanager
    def hold(self) -> Iterator[Callable[[int], None]]:
        """A function that takes room, in bytes, until the block ends. It raises Retryable."""
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            with self._lock:
                if self._held + size > self._limit:
                    raise Retryable("too many bytes are in flight", delay=1.0)
                self._held += size
            mine += size

        try:
            yield take
        finally:
            with self._lock:
                self._held -= mine


class Redaction(Protocol):
    @property
    def quick(self) -> bool:
        """True where a small request takes well under a millisecond."""

    def apply(self, request: Any) -> bool:
        """Redact in place; True where something changed. Raises Retryable where it cannot."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A record of the spool: OTLP of `total` items, `counts` of them by project."""

    data: bytes
    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request of signal `name` that may be kept; `refused` counts rejected items by project."""

    name: str
    lane: Lane
    pieces: tuple[Piece, ...]
    checked: Checked
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes decoded requests; returns only after the bytes are on disk."""

    lanes: Mapping[str, Lane]
    redaction: Redaction
    access: Access
    flight: Flight = field(default_factory=Flight)
    rejections: Rejections = field(default_factory=Rejections)

    def admit(self, header: str) -> Grant | Refusal:
        """What an Authorization header allows."""
        return self.access.admit(header)

    def refusal(self) -> str:
        """Why a spool does not accept now, "" if all do."""
        return next((why for lane in self.lanes.values() if (why := lane.spool.unready())), "")

    def take(self, name: str, request: Any, grant: Grant, body: bytes = b"") -> Any:
        """Keep the good items of a request of signal `name`, reject the bad ones; `body`, where
        it is given, is the request's protobuf and spares serialising it again. Returns the OTLP
        response. Raises Retryable when not all were kept, or a quota is used up."""
        prepared = self.prepare(name, request, grant, body)
        for piece in prepared.pieces:
            prepared.lane.spool.append(piece.data, piece.total)
            prepared.lane.ledger.add("received", piece.counts)
        return self.answer(prepared)

    def prepare(self, name: str, request: Any, grant: Grant, body: bytes = b"") -> Prepared:
        """What of a request is to be kept, redacted, as records for the spool; nothing is kept
        yet. Raises Retryable."""
        lane = self.lanes[name]
        if self.access.bind(request, grant):
            body = b""
        self.access.meter.take(sizes(request))
        if self.redaction.apply(request):
            body = b""
        sent = projects(request)
        found = lane.signal.check(request, time.time_ns())
        if found.kept <= MAX_ITEMS:
            pieces = [_piece(found.request, b"" if found.rejected else body)]
        else:
            pieces = [_piece(part, b"") for part in parts(found.request, MAX_ITEMS)]
        refused: Counter[str] = Counter()
        if found.rejected:
            refused = Counter(sent) - Counter(projects(found.request))
        kept = tuple(piece for piece in pieces if piece.total)
        return Prepared(name, lane, kept, found, refused)

    def answer(self, prepared: Prepared) -> Any:
        """Count what was rejected of a request whose pieces are on disk; the OTLP response."""
        lane, found = prepared.lane, prepared.checked
        if found.rejected:
            lane.ledger.add("received", prepared.refused)
            lane.ledger.add("rejected", prepared.refused)
            self.rejections.add(prepared.name, found.refused)
            with suppress(OSError):  # what is kept is safe; only counts would start lower
                lane.ledger.save()
        return lane.signal.answer(found.rejected, found.reason)


def _piece(request: Any, body: bytes) -> Piece:
    counts = projects(request)
    total = sum(counts.values())
    return Piece((body or request.SerializeToString()) if total else b"", total, counts)
