"""The ledger: received = written + waiting + rejected + dead + damaged, per collector.

What was settled (written, rejected, dead, damaged) is kept in a file that is replaced atomically
and re-read after kill -9; what was received is that and what still waits in the spool.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger("assay.collector")
_SETTLED = ("written", "rejected", "dead", "damaged")


class Ledger:
    """Totals by name: received, rejected, written, dead, damaged. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._last = ""  # the token of the last settled segment
        if path.exists():
            self._read()

    def _read(self) -> None:
        try:
            found = json.loads(self._path.read_bytes())
            self._last = str(found.pop("last", ""))
            self._totals.update({str(name): int(count) for name, count in found.items()})
        except (ValueError, TypeError, AttributeError) as error:
            aside = self._path.with_suffix(".unreadable")
            self._path.replace(aside)
            log.error(
                "the ledger cannot be read and starts at 0; it is kept at %s: %s", aside, error
            )

    def add(self, name: str, count: int) -> None:
        with self._lock:
            self._totals[name] += count

    def settle(self, token: str, waited: int, **counts: int) -> None:
        """A segment sealed with `waited` spans was dealt with; saved before it is deleted.

        Counted once, though the process may die between the two and meet the segment again.
        """
        with self._lock:
            if token == self._last:
                return
            self._last = token
            self._totals.update(counts)
            # A file that lost its count holds more than was known: those were received, too.
            self._totals["received"] += sum(counts.values()) - waited
        try:
            self.save()
        except OSError as error:
            # Deleting the segment makes room again; the counts are saved with the next one.
            log.error("the ledger cannot be saved: %s", error)

    def recover(self, waiting: Mapping[str, int]) -> None:
        """After a start: what waits, in spans by token, was received."""
        with self._lock:
            known = sum(self._totals[k] for k in _SETTLED)
            rest = sum(spans for token, spans in waiting.items() if token != self._last)
            self._totals["received"] = known + rest

    def save(self) -> None:
        """Raises OSError."""
        with self._saving:
            with self._lock:
                text = json.dumps({**self._totals, "last": self._last})
            draft = self._path.with_suffix(".new")
            with draft.open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)

    def totals(self) -> dict[str, int]:
        with self._lock:
            return dict(self._totals)


def prometheus(totals: dict[str, int], segments: int, damaged: int = 0) -> str:
    """The counters in Prometheus' text format."""
    names = {
        "received": "spans in requests that were answered",
        "rejected": "spans refused one by one",
        "written": "spans whose INSERT is durable",
        "dead": "spans in the dead-letter file",
        "damaged": "acknowledged spans that the disk gave back unreadable",
    }
    lines = []
    for name, text in names.items():
        lines += [
            f"# HELP assay_spans_{name}_total {text}",
            f"# TYPE assay_spans_{name}_total counter",
            f"assay_spans_{name}_total {totals.get(name, 0)}",
        ]
    waiting = totals.get("received", 0) - sum(totals.get(k, 0) for k in _SETTLED)
    lines += [
        "# TYPE assay_spans_waiting gauge",
        f"assay_spans_waiting {max(0, waiting)}",
        "# TYPE assay_spool_segments_waiting gauge",
        f"assay_spool_segments_waiting {segments}",
        "# TYPE assay_spool_segments_damaged gauge",
        f"assay_spool_segments_damaged {damaged}",
    ]
    return "\n".join(lines) + "\n"
