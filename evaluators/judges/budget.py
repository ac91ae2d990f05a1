"""A daily budget in US dollars, held before the money is spent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime


def today() -> date:
    """The day in UTC, as the store counts it."""
    return datetime.now(UTC).date()


class Budget:
    """What may still be spent today; threads share it. `limit` None: no end."""

    def __init__(self, limit: float | None, day: Callable[[], date] = today) -> None:
        self._limit = limit
        self._day = day
        self._at = day()
        self._spent = 0.0
        self._held = 0.0
        self._lock = threading.Lock()

    @property
    def limited(self) -> bool:
        return self._limit is not None

    def seen(self, day: date, usd: float) -> None:
        """What the store says was spent on a day, by this process before and by others."""
        with self._lock:
            self._turn()
            if day == self._at:
                self._spent = max(self._spent, usd)

    def reserve(self, usd: float) -> bool:
        """Hold an estimate; False where it would go over the limit."""
        with self._lock:
            self._turn()
            if self._limit is not None and self._spent + self._held + usd > self._limit:
                return False
            self._held += usd
            return True

    def settle(self, held: float, spent: float) -> None:
        """Give an estimate back and book what it came to."""
        with self._lock:
            self._turn()
            self._held = max(0.0, self._held - held)
            self._spent += spent

    def _turn(self) -> None:
        if self._day() != self._at:
            self._at, self._spent = self._day(), 0.0
