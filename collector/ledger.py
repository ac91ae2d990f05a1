"""The ledger: received = written + waiting + rejected + dead + damaged, per signal and project.

What was settled (written, rejected, dead, damaged) is kept in a file that is replaced atomically
and re-read after kill -9; what was received is that and what still waits in the spool.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger("assay.collector")
Totals = dict[str, dict[str, int]]  # project -> name -> count
NAMES = {
    "received": "in requests that were answered",
    "rejected": "refused one by one",
    "written": "whose INSERT is durable",
    "dead": "in the dead-letter file",
    "damaged": "acknowledged, and unreadable when the disk gave them back",
}
ITEMS = {"traces": "spans", "logs": "log_records", "metrics": "metric_points"}
REMEMBERED = 16
_SETTLED = ("written", "rejected", "dead", "damaged")
UNKNOWN = ""  # the project of what an older version counted, and of what cannot be read


class Ledger:
    """Counts by project and name. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._last: list[str] = []  # tokens of the last settled segments, of several threads
        self._projects: dict[str, Counter[str]] = {}
        try:
            found = _file(path)
            last = found.get("last", [])
            self._last = [last] if isinstance(last, str) else [str(token) for token in last]
            self._projects = {p: Counter(c) for p, c in _projects(found).items()}
        except (ValueError, TypeError, AttributeError) as error:
            aside = path.with_suffix(".unreadable")
            path.replace(aside)
            log.error(
                "the ledger cannot be read and starts at 0; it is kept at %s: %s", aside, error
            )

    def add(self, name: str, counts: Mapping[str, int]) -> None:
        """Count items by project."""
        with self._lock:
            self._add(name, counts)

    def _add(self, name: str, counts: Mapping[str, int]) -> None:
        for project, count in counts.items():
            if count:
                self._projects.setdefault(project, Counter())[name] += count

    def settle(self, token: str, waited: int, **counts: Mapping[str, int]) -> None:
        """A segment sealed with `waited` items was dealt with; saved before it is deleted.

        Counted once, though the process may die between the two and meet the segment again.
        """
        with self._lock:
            if token in self._last:
                return
            self._last = [*self._last, token][-REMEMBERED:]
            for name, by_project in counts.items():
                self._add(name, by_project)
            # A file that lost its count holds more than was known: those were received, too.
            more = sum(sum(by_project.values()) for by_project in counts.values()) - waited
            self._add("received", {UNKNOWN: more})
        try:
            self.save()
        except OSError as error:
            # Deleting the segment makes room again; the counts are saved with the next one.
            log.error("the ledger cannot be saved: %s", error)

    def recover(self, waiting: Mapping[str, Mapping[str, int]]) -> None:
        """After a start: what waits, in items by token and project, was received."""
        with self._lock:
            for found in self._projects.values():
                found["received"] = sum(found[k] for k in _SETTLED)
            for token, counts in waiting.items():
                if token not in self._last:
                    self._add("received", counts)

    def save(self) -> None:
        """Raises OSError."""
        with self._saving:
            with self._lock:
                projects = {project: dict(counts) for project, counts in self._projects.items()}
                text = json.dumps({"projects": projects, "last": self._last})
            draft = self._path.with_suffix(".new")
            with draft.open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)

    def totals(self) -> Totals:
        with self._lock:
            return {project: dict(counts) for project, counts in self._projects.items()}


def _file(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _projects(found: dict[str, Any]) -> Totals:
    """Of a file of this version, or of one that counted no projects."""
    if "projects" in found:
        return {
            str(p): {str(n): int(c) for n, c in cs.items()} for p, cs in found["projects"].items()
        }
    counts = {name: int(count) for name, count in found.items() if name != "last"}
    return {UNKNOWN: counts} if counts else {}


def read(path: Path) -> Totals:
    """The counters that a process saved; {} where there are none."""
    try:
        return _projects(_file(path))
    except (ValueError, TypeError, AttributeError):
        return {}


def total(parts: Iterable[Totals]) -> Totals:
    """Several ledgers as one."""
    result: dict[str, Counter[str]] = {}
    for part in parts:
        for project, counts in part.items():
            result.setdefault(project, Counter()).update(counts)
    return {project: dict(counts) for project, counts in sorted(result.items())}


def waiting(counts: Mapping[str, int]) -> int:
    """What was received and is not settled."""
    return max(0, counts.get("received", 0) - sum(counts.get(k, 0) for k in _SETTLED))


def prometheus(
    signals: Mapping[str, Totals], segments: int, damaged: int = 0, used: float = 0.0
) -> str:
    """The counters in Prometheus' text format, a line per signal, name and project; `used` is the
    share of the spool's room."""
    lines = []
    for signal, projects in signals.items():
        items = ITEMS[signal]
        for name, text in NAMES.items():
            metric = f"assay_{items}_{name}_total"
            lines += [
                f"# HELP {metric} {items.replace('_', ' ')} {text}",
                f"# TYPE {metric} counter",
                *(
                    f"{metric}{{project={json.dumps(project)}}} {counts.get(name, 0)}"
                    for project, counts in projects.items()
                ),
            ]
        lines.append(f"# TYPE assay_{items}_waiting gauge")
        lines += [
            f"assay_{items}_waiting{{project={json.dumps(project)}}} {waiting(counts)}"
            for project, counts in projects.items()
        ]
    lines += [
        "# TYPE assay_spool_segments_waiting gauge",
        f"assay_spool_segments_waiting {segments}",
        "# TYPE assay_spool_segments_damaged gauge",
        f"assay_spool_segments_damaged {damaged}",
        "# HELP assay_spool_used_ratio share of the spool's room; at 1 intake stops",
        "# TYPE assay_spool_used_ratio gauge",
        f"assay_spool_used_ratio {used:.6f}",
    ]
    return "\n".join(lines) + "\n"
