"""The ledger: received = stored + waiting + rejected + dead, per collector.

Counters are kept in a file that is replaced atomically, and re-read after kill -9. What was
received since the last save is recovered from the segments that still wait.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from pathlib import Path


class Ledger:
    """Totals by name: received, rejected, written, dead, requests. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        if path.exists():
            self._totals.update(json.loads(path.read_text()))

    def add(self, name: str, count: int) -> None:
        with self._lock:
            self._totals[name] += count

    def recover(self, waiting: int) -> None:
        """After a start: what waits was received, whether or not that was saved in time."""
        with self._lock:
            known = sum(self._totals[k] for k in ("written", "rejected", "dead"))
            self._totals["received"] = known + waiting

    def save(self) -> None:
        with self._lock:
            text = json.dumps(self._totals)
        draft = self._path.with_suffix(".new")
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def totals(self) -> dict[str, int]:
        with self._lock:
            return dict(self._totals)


def prometheus(totals: dict[str, int], segments: int) -> str:
    """The counters in Prometheus' text format."""
    names = {
        "received": "spans in requests that were answered",
        "rejected": "spans refused one by one",
        "written": "spans whose INSERT is durable",
        "dead": "spans in the dead-letter file",
    }
    lines = []
    for name, text in names.items():
        lines += [
            f"# HELP assay_spans_{name}_total {text}",
            f"# TYPE assay_spans_{name}_total counter",
            f"assay_spans_{name}_total {totals.get(name, 0)}",
        ]
    waiting = totals.get("received", 0) - sum(
        totals.get(k, 0) for k in ("rejected", "written", "dead")
    )
    lines += [
        "# TYPE assay_spans_waiting gauge",
        f"assay_spans_waiting {max(0, waiting)}",
        "# TYPE assay_spool_segments_waiting gauge",
        f"assay_spool_segments_waiting {segments}",
    ]
    return "\n".join(lines) + "\n"
