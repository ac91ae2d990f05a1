"""Quotas: a token bucket for items and one for bytes, per project.

A bucket holds what a project may send in a minute. A request passes while there is anything in both
and may overdraw them, so that one of any size goes through sooner or later.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.errors import Retryable
from schemas.quotas import QuotaPolicy

BURST = 60.0  # seconds of a limit that a bucket holds


@dataclass(slots=True)
class _Bucket:
    rate: float  # a second; 0 is no limit
    level: float
    at: float  # seconds

    def wait(self, now: float) -> float:
        """Seconds until something is in it."""
        if not self.rate:
            return 0.0
        self.level = min(self.rate * BURST, self.level + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (1e-9 - self.level) / self.rate)


class Meter:
    """Thread-safe. `share` is this worker's part of every limit; `clock` gives seconds."""

    def __init__(self, share: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._lock = threading.Lock()
        self._quotas: Mapping[str, QuotaPolicy] = {}
        self._buckets: dict[str, tuple[_Bucket, _Bucket]] = {}
        self._counts: Counter[str] = Counter()

    def use(self, quotas: Mapping[str, QuotaPolicy]) -> None:
        """Limits from now on; buckets of a project whose quota changed begin full."""
        with self._lock:
            if quotas != self._quotas:
                self._quotas, self._buckets = quotas, {}

    def take(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Count items and bytes by project. Raises Retryable, and counts nothing, where a project
        is over its quota."""
        now = self._clock()
        with self._lock:
            held = {name: self._of(name, now) for name in sizes} if self._quotas else {}
            for name, pair in held.items():
                delay = max((bucket.wait(now) for bucket in pair), default=0.0)
                if delay > 0:
                    self._counts[f"quota {name}"] += 1
                    text = f"project {name!r} is over its quota; sent again, it is taken later"
                    raise Retryable(text, delay=min(delay, BURST), quota=True)
            for name, size in sizes.items():
                for bucket, amount in zip(held.get(name, ()), size, strict=False):
                    bucket.level -= amount
                self._counts[f"bytes {name}"] += size[1]

    def _of(self, project: str, now: float) -> tuple[_Bucket, ...]:
        quota = self._quotas.get(project) or self._quotas.get("default")
        if quota is None:
            return ()
        if project not in self._buckets:
            if len(self._buckets) > 10_000:  # names are the sender's where no key binds them
                self._buckets.clear()
            items, size = (
                _Bucket(limit * self._share, limit * self._share * BURST, now)
                for limit in quota.limits
            )
            self._buckets[project] = (items, size)
        return self._buckets[project]

    def counts(self) -> Counter[str]:
        with self._lock:
            return Counter(self._counts)
