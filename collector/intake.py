"""What both transports share: check, spool, count; limits; the answer to partial success."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.ledger import Ledger
from collector.otlp import check
from collector.spool import Spool

MAX_BYTES = 64 * 2**20  # OTLP specification: the limit holds after decompression
NOT_STORED = "Assay does not store this signal yet; it was received and dropped"


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes decoded requests; returns only after the bytes are on disk."""

    spool: Spool
    ledger: Ledger
    key: str = ""

    def authorised(self, header: str) -> bool:
        """True without a configured key, or with `Bearer <key>`."""
        return not self.key or hmac.compare_digest(header.encode(), f"Bearer {self.key}".encode())

    def traces(self, request: ExportTraceServiceRequest) -> ExportTraceServiceResponse:
        """Keep the good spans, reject the bad ones. Raises Retryable when nothing was kept."""
        checked = check(request, time.time_ns())
        if checked.kept:
            self.spool.append(checked.request.SerializeToString(), checked.kept)
        self.ledger.add("received", checked.kept + checked.rejected)
        self.ledger.add("rejected", checked.rejected)
        response = ExportTraceServiceResponse()
        if checked.rejected:
            response.partial_success.rejected_spans = checked.rejected
            response.partial_success.error_message = checked.reason
        return response
