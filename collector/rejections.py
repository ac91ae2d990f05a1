"""What was refused, why and from which SDK: gathered in memory, written by a thread of its own.

The ledger has the exact counts, on disk; what is gathered here and not yet written is lost with a
process that is killed. Samples hold no values, so that nothing in them needs redaction.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.models import RejectionRow

log = logging.getLogger("assay.collector")
MOST_KEYS = 1000  # senders name projects and SDKs, so that they could make any number
FLUSH_SECONDS = 3.0
_LONGEST = 200  # characters of any text that a sender chose
_SDK = ("telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version")
Key = tuple[str, str, str]  # project, reason, SDK
Found = dict[Key, tuple[int, str]]  # how many, and the first one's sample


def sdk_of(resource: Any, scope: Any) -> str:
    """SDK name, language and version, and the instrumentation scope: 'opentelemetry python 1.40'"""
    told = {a.key: a.value.string_value for a in resource.attributes if a.key in _SDK}
    words = [told[key] for key in _SDK if told.get(key)] or ["unknown SDK"]
    return (" ".join(words) + (f" / {scope.name}" if scope.name else ""))[:_LONGEST]


def sample(item: Any, name: str = "") -> str:
    """JSON of a span, log record or point: its name, ids, times, and the attributes' keys with the
    size of each value in bytes; no value."""
    shown: dict[str, Any] = {"name": (name or getattr(item, "name", ""))[:_LONGEST]}
    for field in ("trace_id", "span_id", "parent_span_id"):
        if hasattr(item, field):
            shown[field] = getattr(item, field)[:32].hex()
    for field in ("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano"):
        if hasattr(item, field):
            shown[field] = str(getattr(item, field))
    shown["attributes"] = {a.key[:_LONGEST]: a.value.ByteSize() for a in item.attributes[:20]}
    return json.dumps(shown)


class Rejections:
    """Counts and one sample per key until they are written. Thread-safe; `add` does no I/O."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, Key], RejectionRow] = {}
        self._sent: tuple[list[RejectionRow], str] | None = None
        self._lock = threading.Lock()

    def add(self, signal: str, found: Mapping[Key, tuple[int, str]]) -> None:
        now = time.time_ns() // 10**6
        day = datetime.fromtimestamp(now / 1000, UTC).date()
        self._put([RejectionRow(project, day, signal, reason, sdk, text, count, now, now)
                   for (project, reason, sdk), (count, text) in found.items()])  # fmt: skip

    def _put(self, rows: Sequence[RejectionRow]) -> None:
        with self._lock:
            for row in rows:
                key = (row.signal, (row.project, row.reason, row.sdk))
                old = self._held.get(key)
                if old is None and len(self._held) >= MOST_KEYS:
                    continue
                self._held[key] = row if old is None else RejectionRow(
                    row.project, row.day, row.signal, row.reason, row.sdk, old.sample,
                    old.count + row.count, min(old.first_at, row.first_at),
                    max(old.last_at, row.last_at))  # fmt: skip

    def flush(self, insert: Callable[[Sequence[Any], str], None]) -> None:
        """Write what is held. What failed is sent again as it was, under the same token: an INSERT
        may be stored and reported as failed. Of one thread only."""
        while True:
            if self._sent is None:
                with self._lock:
                    rows, self._held = list(self._held.values()), {}
                if not rows:
                    return
                self._sent = rows, str(uuid.uuid4())
            try:
                insert(*self._sent)
            except Exception as error:
                log.warning("samples of refused items wait: %s", error)
                return
            self._sent = None

    def run(self, insert: Callable[[Sequence[Any], str], None], stop: threading.Event) -> None:
        """Write every few seconds, and once more at the end."""
        while not stop.wait(FLUSH_SECONDS):
            self.flush(insert)
        self.flush(insert)
