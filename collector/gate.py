"""The last look before a write: rows and dead letters of what was deleted meanwhile stay out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from collector.dead_letters import Dead
from collector.halves import Insert
from collector.ledger import UNKNOWN
from collector.signals.admission import gone, strip
from collector.signals.base import Signal


class Gate:
    """For one segment: what was deleted as it was known at its start. Raises Retryable.

    Rows are taken out at the INSERT and not before: a retry that knows of more deletions then
    still cuts a refused segment in the same places.
    """

    def __init__(self, signal: Signal, insert: Insert) -> None:
        self._signal, self._put = signal, insert
        self._kept = signal.keeping.fresh()

    def _gone(self, row: Any) -> bool:
        kind = gone(row, self._kept, self._signal.naming)
        if kind in {"session", "user"} and bool(getattr(row, "trace_id", None)):
            self._signal.keeping.late(row.project, row.trace_id)
        return bool(kind)

    def insert(self, rows: Sequence[Any], token: str) -> None:
        """Write those that were not deleted."""
        if self._kept.tombstones.found:
            rows = [row for row in rows if not self._gone(row)]
        if rows:
            self._put(rows, token)

    def count(self, rows: Iterable[Any]) -> Counter[str]:
        """Rows by project that stay out."""
        if not self._kept.tombstones.found:
            return Counter()
        return Counter(row.project for row in rows if self._gone(row))

    def written(self, rows: Sequence[Any]) -> Counter[str]:
        """Rows by project that are let through."""
        return Counter(row.project for row in rows) - self.count(rows)

    def letters(self, dead: Iterable[Dead]) -> tuple[list[Dead], Counter[str]]:
        """OTLP that makes no row, less what was deleted, and how many items that was. They count
        for no project: as dead letters they did not either."""
        found, erased = [], 0
        for each in dead:
            if each.row is None and self._kept.tombstones.found:
                kept, removed = self._stripped(each.otlp)
                erased += min(removed, each.spans)
                if removed:
                    each = replace(each, otlp=kept, spans=max(0, each.spans - removed))
                if removed and not each.spans:
                    continue
            found.append(each)
        return found, Counter({UNKNOWN: erased} if erased else {})

    def _stripped(self, otlp: bytes) -> tuple[bytes, int]:
        try:
            request = self._signal.request.FromString(otlp)
            removed = strip(request, self._kept, self._signal.naming, time.time_ns())
        except Exception:
            return otlp, 0  # `assay delete` removes what cannot be told
        return request.SerializeToString(), removed.total()
