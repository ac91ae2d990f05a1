"""The writer: one sealed segment, one INSERT, one token; deleted only when that is durable."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import segment
from collector.conventions.rules import Convention
from collector.dead_letters import Dead, bury
from collector.halves import Halves, Insert
from collector.ledger import Ledger
from collector.normalise import rows
from collector.segment import Record
from collector.spool import Spool
from schemas.errors import Retryable
from schemas.models import SpanRow

log = logging.getLogger("assay.collector")


def backoff(attempt: int, base: float = 0.2, ceiling: float = 5.0) -> float:
    """Seconds to wait before the next try: exponential with full jitter."""
    return float(random.uniform(0.5, 1.0) * min(ceiling, base * 2**attempt))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A segment's token and rows, what made no row, and whether bytes of it are unreadable."""

    token: str
    rows: list[SpanRow]
    dead: list[Dead]
    damaged: bool


def load(path: Path, conventions: Sequence[Convention]) -> Loaded:
    """Read and normalise; the same rows in the same order at every reading."""
    loaded = Loaded(segment.token_of(path), [], [], False)
    for item in segment.walk(path):
        if not isinstance(item, Record):
            loaded = replace(loaded, damaged=True)
            continue
        found, dead = _normalise(item, conventions, loaded.token)
        loaded.rows.extend(found)
        loaded.dead.extend(dead)
    return loaded


def _normalise(
    record: Record, conventions: Sequence[Convention], token: str
) -> tuple[list[SpanRow], list[Dead]]:
    """A record's rows. A defect of ours in one span must not keep back the others."""
    try:
        request = ExportTraceServiceRequest.FromString(record.body)
        return rows(request, conventions, record.received_ns, token), []
    except Exception:
        log.exception("a request cannot be normalised whole; its spans are tried one by one")
    try:
        singles = list(_singles(ExportTraceServiceRequest.FromString(record.body)))
    except Exception as error:
        return [], [Dead(repr(error), otlp=record.body, spans=record.spans)]
    found: list[SpanRow] = []
    dead: list[Dead] = []
    for single in singles:
        try:
            found += rows(single, conventions, record.received_ns, token)
        except Exception as error:
            dead.append(Dead(repr(error), otlp=single.SerializeToString()))
    return found, dead


def _singles(request: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
    """A request per span, each with its resource."""
    result = []
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                one = ExportTraceServiceRequest()
                only = one.resource_spans.add()
                only.resource.CopyFrom(group.resource)
                only.scope_spans.add().spans.add().CopyFrom(span)
                result.append(one)
    return result


class Writer:
    """A thread that drains the spool in order until `stop`."""

    def __init__(
        self, spool: Spool, ledger: Ledger, conventions: Sequence[Convention],
        insert: Insert, dead_letters: Path,
    ) -> None:  # fmt: skip
        self._spool = spool
        self._ledger = ledger
        self._conventions = conventions
        self._insert = insert
        self._dead = dead_letters
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is sealed if ClickHouse answers; the rest waits on disk."""
        self._stop.set()
        self._thread.join(20)

    def _run(self) -> None:
        attempt = 0
        odd: set[Path] = set()  # a defect of ours holds these back; the others go on
        while True:
            waiting = self._spool.sealed()
            path = next((each for each in waiting if each not in odd), None)
            if path is None and not odd:
                if self._stop.wait(0.1):
                    return
                continue
            try:
                if path is not None:
                    self.write(path)
                    attempt = 0
                    continue
                odd.clear()
            except Retryable as error:
                log.warning("ClickHouse takes no data, %d segments wait: %s", len(waiting), error)
            except Exception:
                # It must not cost data: the segment stays and the log says why.
                log.exception("segment %s cannot be written; it waits", path)
                if path is not None:
                    odd.add(path)
            if self._stop.wait(backoff(attempt)):
                return
            attempt = min(attempt + 1, 10)

    def write(self, path: Path) -> None:
        """One segment into ClickHouse. Raises Retryable with nothing lost."""
        waited = segment.declared(path)
        loaded = load(path, self._conventions)
        halves = Halves(self._insert, loaded.token, path.with_suffix(".split"))
        dead = [*loaded.dead, *halves.put(loaded.rows)]
        if dead:
            bury(self._dead, loaded.token, dead)
        buried = sum(each.spans for each in dead)
        written = len(loaded.rows) + len(loaded.dead) - len(dead)
        lost = max(0, waited - written - buried)
        self._ledger.settle(loaded.token, waited, written=written, dead=buried, damaged=lost)
        halves.forget()
        if loaded.damaged or lost:
            kept = self._spool.keep_aside(path)
            log.error("%s is damaged; %d spans of it are lost, the others stored", kept, lost)
        else:
            self._spool.delete(path)
