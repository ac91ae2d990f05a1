"""The writer: one sealed segment, one INSERT, one token; deleted only when that is durable."""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import spool as segments
from collector.conventions.rules import Convention
from collector.ledger import Ledger
from collector.normalise import Readings, rows
from collector.spool import Spool
from schemas.errors import Permanent, Retryable
from schemas.models import SpanRow

log = logging.getLogger("assay.collector")
Insert = Callable[[Sequence[SpanRow], str], None]


def backoff(attempt: int, base: float = 0.2, ceiling: float = 15.0) -> float:
    """Seconds to wait before the next try: exponential with full jitter."""
    return float(random.uniform(0.5, 1.0) * min(ceiling, base * 2**attempt))


def load(path: Path, conventions: Sequence[Convention]) -> tuple[str, list[SpanRow]]:
    """A segment's token and rows; the same rows in the same order at every reading."""
    token = segments.token_of(path)
    found: list[SpanRow] = []
    readings: Readings = {}
    for record in segments.read(path):
        request = ExportTraceServiceRequest.FromString(record.body)
        found += rows(request, conventions, record.received_ns, token, readings)
    return token, found


class Writer:
    """Threads that drain the spool, oldest first, until `stop`.

    More than one, since an INSERT waits for ClickHouse and its fsync, and meanwhile the next
    segment can be normalised. `insert` is called from all of them.
    """

    def __init__(
        self, spool: Spool, ledger: Ledger, conventions: Sequence[Convention],
        insert: Insert, dead_letters: Path, threads: int = 2,
    ) -> None:  # fmt: skip
        self._spool = spool
        self._ledger = ledger
        self._conventions = conventions
        self._insert = insert
        self._dead = dead_letters
        self._stop = threading.Event()
        self._lock = threading.Lock()  # over the claims, and over the ledger's and dead file
        self._claimed: set[Path] = set()
        self._threads = [
            threading.Thread(target=self._run, name=f"writer-{n}", daemon=True)
            for n in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Write what is sealed if ClickHouse answers; the rest waits on disk."""
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _claim(self) -> Path | None:
        """The oldest segment that no other thread has."""
        with self._lock:
            for path in self._spool.sealed():
                if path not in self._claimed:
                    self._claimed.add(path)
                    return path
        return None

    def _run(self) -> None:
        attempt = 0
        while True:
            path = self._claim()
            if path is None:
                if self._stop.wait(0.1):
                    return
                continue
            try:
                self.write(path)
                attempt = 0
            except Retryable as error:
                log.warning("ClickHouse takes no data, %s waits: %s", path.name, error)
            except Exception:
                # A defect of ours must not cost data: the segment stays and the log says why.
                log.exception("segment %s cannot be normalised; it waits", path.name)
            else:
                continue
            finally:
                with self._lock:
                    self._claimed.discard(path)
            if self._stop.wait(backoff(attempt)):
                return
            attempt = min(attempt + 1, 10)

    def write(self, path: Path) -> None:
        """One segment into ClickHouse. Raises Retryable with nothing lost."""
        token, found = load(path, self._conventions)
        dead = self._put(found, token, 0) if found else []
        with self._lock:
            if dead:
                with self._dead.open("a") as file:
                    for row, reason in dead:
                        file.write(json.dumps({"reason": reason, "span": asdict(row)}) + "\n")
            self._ledger.add("written", len(found) - len(dead))
            self._ledger.add("dead", len(dead))
            self._ledger.save()
        self._spool.delete(path)

    def _put(self, found: list[SpanRow], token: str, at: int) -> list[tuple[SpanRow, str]]:
        """Insert; what ClickHouse refuses for good is halved until only the poison is left.

        The token of a part names its row range, so that a repeated split repeats its tokens.
        """
        try:
            self._insert(found, token)
            return []
        except Permanent as error:
            if len(found) == 1:
                return [(found[0], error.reason)]
        base, half = token.split(":")[0], len(found) // 2
        left = self._put(found[:half], f"{base}:{at}+{half}", at)
        return left + self._put(found[half:], f"{base}:{at + half}+{len(found) - half}", at + half)
