"""Shedding: an expensive evaluator that falls behind draws fewer, instead of falling further.

The probability is halved while the oldest item waits too long, and doubled again only after it was
short for a while: between the two nothing changes, so that it does not swing. It is fixed before a
text is read and stored with each score, so that a mean stays right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

HIGH, LOW = 300.0, 60.0  # seconds that the oldest item waits
SETTLE, CALM = 10.0, 60.0  # seconds before another halving, and of calm before a doubling
MOST = 10  # halvings


@dataclass(slots=True)
class _State:
    halvings: int = 0
    changed: float = float("-inf")
    calm: float | None = None


class Shedder:
    """One factor per key; `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._states: dict[tuple[str, str], _State] = {}

    def now(self, key: tuple[str, str]) -> float:
        """The factor as it stands."""
        return 0.5 ** self._states[key].halvings if key in self._states else 1.0

    def factor(self, key: tuple[str, str], lag: float) -> float:
        """What to multiply a probability with, now that the oldest item waits `lag` seconds."""
        state, now = self._states.setdefault(key, _State()), self._clock()
        if lag >= LOW:
            state.calm = None
        if lag > HIGH and now - state.changed >= SETTLE:
            state.halvings, state.changed = min(MOST, state.halvings + 1), now
        elif lag < LOW:
            if state.calm is None:
                state.calm = now
            elif now - state.calm >= CALM and state.halvings:
                state.halvings, state.calm, state.changed = state.halvings - 1, now, now
        return 0.5**state.halvings
