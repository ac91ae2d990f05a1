"""What both transports share: check, spool, count; limits; the answer to partial success."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.ledger import Ledger
from collector.otlp import check, parts
from collector.spool import Spool
from schemas.errors import Retryable

MAX_BYTES = 64 * 2**20  # OTLP specification: the limit holds after decompression
MAX_IN_FLIGHT = 4 * MAX_BYTES  # bytes of all requests that are being received, together
MAX_SPANS = 5000  # of a record, so that the writer holds few rows at once, whatever one request has
COPIES = 2  # of a body beside itself: parsed, and serialised again
NOT_STORED = "Assay does not store this signal yet; it was received and dropped"


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


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes decoded requests; returns only after the bytes are on disk."""

    spool: Spool
    ledger: Ledger
    key: str = ""
    flight: Flight = field(default_factory=Flight)

    def authorised(self, header: str) -> bool:
        """True without a configured key, or with `Bearer <key>`."""
        return not self.key or hmac.compare_digest(header.encode(), f"Bearer {self.key}".encode())

    def traces(self, request: ExportTraceServiceRequest) -> ExportTraceServiceResponse:
        """Keep the good spans, reject the bad ones. Raises Retryable when not all were kept."""
        checked = check(request, time.time_ns())
        if checked.kept <= MAX_SPANS:
            self._keep(checked.request, checked.kept)
        else:
            for part in parts(checked.request, MAX_SPANS):
                scopes = (s for r in part.resource_spans for s in r.scope_spans)
                self._keep(part, sum(len(scope.spans) for scope in scopes))
        response = ExportTraceServiceResponse()
        if checked.rejected:
            self.ledger.add("received", checked.rejected)
            self.ledger.add("rejected", checked.rejected)
            with suppress(OSError):  # what is kept is safe; only counts would start lower
                self.ledger.save()
            response.partial_success.rejected_spans = checked.rejected
            response.partial_success.error_message = checked.reason
        return response

    def _keep(self, request: ExportTraceServiceRequest, spans: int) -> None:
        if spans:
            self.spool.append(request.SerializeToString(), spans)
            self.ledger.add("received", spans)
