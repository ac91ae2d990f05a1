"""A segment as rows: read, normalise, and set aside what makes no row."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector import segment
from collector.dead_letters import Dead
from collector.segment import Record
from collector.signals.base import Signal, projects, singles

log = logging.getLogger("assay.collector")


@dataclass(slots=True)
class Loaded:
    """A segment's token and rows, what made no row, and whether bytes of it are unreadable."""

    token: str
    rows: list[Any] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    damaged: bool = False


def load(path: Path, signal: Signal) -> Loaded:
    """Read and normalise; the same rows in the same order at every reading."""
    loaded = Loaded(segment.token_of(path))
    for item in segment.walk(path):
        if isinstance(item, Record):
            _normalise(item, signal, loaded)
        else:
            loaded.damaged = True
    return loaded


def waiting(path: Path, signal: Signal) -> dict[str, int]:
    """Items per project in a segment; what cannot be decoded counts for no project."""
    counts: dict[str, int] = {}
    for record in segment.read(path):
        try:
            found = projects(signal.request.FromString(record.body))
        except Exception:
            found = {"": record.spans}
        for project, count in found.items():
            counts[project] = counts.get(project, 0) + count
    missing = segment.declared(path) - sum(counts.values())
    if missing > 0:
        counts[""] = counts.get("", 0) + missing
    return counts


def _normalise(record: Record, signal: Signal, loaded: Loaded) -> None:
    """A record's rows. A defect of ours in one item must not keep back the others."""
    try:
        request = signal.request.FromString(record.body)
        loaded.rows += signal.rows(request, record.received_ns, loaded.token)
        return
    except Exception:
        log.exception("a request cannot be normalised whole; its items are tried one by one")
    try:
        alone = list(singles(signal.request.FromString(record.body)))
    except Exception as error:
        loaded.dead.append(Dead(repr(error), otlp=record.body, spans=record.spans))
        return
    for single in alone:
        try:
            loaded.rows += signal.rows(single, record.received_ns, loaded.token)
        except Exception as error:
            count = sum(projects(single).values())
            loaded.dead.append(Dead(repr(error), otlp=single.SerializeToString(), spans=count))
