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
from collector.signals.base import parts, projects, sizes
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
    def apply(self, request: Any) -> bool:
        """Redact in place; True where something changed. Raises Retryable where it cannot."""


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
        lane = self.lanes[name]
        if self.access.bind(request, grant):
            body = b""
        self.access.meter.take(sizes(request))
        if self.redaction.apply(request):
            body = b""
        sent = projects(request)
        checked = lane.signal.check(request, time.time_ns())
        if checked.kept <= MAX_ITEMS:
            _keep(lane, checked.request, b"" if checked.rejected else body)
        else:
            for part in parts(checked.request, MAX_ITEMS):
                _keep(lane, part, b"")
        if checked.rejected:
            refused = Counter(sent) - Counter(projects(checked.request))
            lane.ledger.add("received", refused)
            lane.ledger.add("rejected", refused)
            self.rejections.add(name, checked.refused)
            with suppress(OSError):  # what is kept is safe; only counts would start lower
                lane.ledger.save()
        return lane.signal.answer(checked.rejected, checked.reason)


def _keep(lane: Lane, request: Any, body: bytes) -> None:
    counts = projects(request)
    total = sum(counts.values())
    if total:
        lane.spool.append(body or request.SerializeToString(), total)
        lane.ledger.add("received", counts)
