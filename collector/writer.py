"""The writer: one sealed segment, one INSERT, one token; then it leaves the spool."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from pathlib import Path

from opentelemetry import trace

from collector import requeue, segment
from collector.dead_letters import bury
from collector.gate import Gate
from collector.halves import Halves, Insert
from collector.kept import Shelf
from collector.ledger import UNKNOWN, Ledger
from collector.load import load
from collector.signals.base import Signal
from collector.spool import Spool
from schemas.errors import Retryable

log = logging.getLogger("assay.collector")


def backoff(attempt: int, base: float = 0.2, ceiling: float = 5.0) -> float:
    """Seconds to wait before the next try: exponential with full jitter."""
    return float(random.uniform(0.5, 1.0) * min(ceiling, base * 2**attempt))


class Writer:
    """Threads that drain the spool, oldest first, until `stop`.

    More than one, since an INSERT waits for ClickHouse and its fsync, and meanwhile the next
    segment can be normalised. `insert` is called from all of them.
    """

    def __init__(
        self, spool: Spool, ledger: Ledger, signal: Signal, insert: Insert, dead_letters: Path,
        threads: int = 2, shelf: Shelf | None = None,
    ) -> None:  # fmt: skip
        """`shelf` keeps what is stored; without one it is deleted."""
        self._spool = spool
        self._shelf = shelf or Shelf(0, 0)
        self._ledger = ledger
        self._signal = signal
        self._insert = insert
        self._dead = dead_letters
        self._stop = threading.Event()
        self._lock = threading.Lock()  # over the claims
        self._burying = threading.Lock()  # over the dead-letter file
        self._claimed: set[Path] = set()
        self._odd: set[Path] = set()  # a defect of ours holds these back; the others go on
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
        """The oldest segment, else the oldest requeued file, that no other thread has."""
        with self._lock:
            waiting = self._spool.sealed() or sorted(self._dead.parent.glob(requeue.PATTERN))
            for path in waiting:
                if path not in self._claimed and path not in self._odd:
                    self._claimed.add(path)
                    return path
        return None

    def _run(self) -> None:
        attempt = 0
        while True:
            path = self._claim()
            if path is None and not self._odd:
                if self._stop.wait(0.1):
                    return
                continue
            try:
                if path is None:
                    self._odd.clear()
                else:
                    self.requeue(path) if path.suffix == ".jsonl" else self.write(path)
                    attempt = 0
                    continue
            except Retryable as error:
                log.warning("ClickHouse takes no data, %s waits: %s", path, error)
            except Exception:
                # It must not cost data: the segment stays and the log says why.
                log.exception("segment %s cannot be written; it waits", path)
                if path is not None:
                    self._odd.add(path)
            finally:
                with self._lock:
                    self._claimed.discard(path or Path())
            if self._stop.wait(backoff(attempt)):
                return
            attempt = min(attempt + 1, 10)

    def requeue(self, path: Path) -> None:
        """Try dead letters again. Raises Retryable with nothing lost."""
        with self._burying:
            requeue.put(path, self._signal, self._insert, self._ledger, self._dead, log.warning)

    def write(self, path: Path) -> None:
        """One segment into ClickHouse. Raises Retryable with nothing lost."""
        with trace.get_tracer("assay").start_as_current_span("write segment") as span:
            span.set_attributes({"signal": self._signal.name, "file": path.name})
            self._write(path)

    def _write(self, path: Path) -> None:
        waited = segment.declared(path)
        gate = Gate(self._signal, self._insert)  # first: rows carry the retention that it looks up
        loaded = load(path, self._signal)
        loaded.dead, erased = gate.letters(loaded.dead)
        erased += gate.count(loaded.rows)
        halves = Halves(gate.insert, loaded.token, path.with_suffix(".split"))
        dead = [*loaded.dead, *halves.put(loaded.rows)]
        if dead:
            with self._burying:
                bury(self._dead, loaded.token, dead)
        written = gate.written(loaded.rows)
        buried: Counter[str] = Counter()
        for each in dead:
            buried[each.row.project if each.row else UNKNOWN] += each.spans
            if each.row:
                written[each.row.project] -= 1
        lost = max(0, waited - written.total() - buried.total() - erased.total())
        self._ledger.settle(
            loaded.token, waited, written=written, dead=buried, rejected=erased,
            damaged={UNKNOWN: lost},
        )  # fmt: skip
        if loaded.damaged or lost:
            kept = self._spool.keep_aside(path)
            log.error("%s is damaged; %d items of it are lost, the others stored", kept, lost)
        else:
            self._shelf.keep(self._spool, path, halves.names if written.total() > 0 else ())
        halves.forget()
