"""The life of a rule: inactive, pending, firing, and back, as functions of what is seen when.

Nothing here reads a clock or a store. A rule is always pending for at least one step before it
fires: what a firing is called derives from when it became pending, and that is on disk by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Phase = Literal["inactive", "pending", "firing"]
# bad: the condition holds. good: the value is back, beyond the limit at which it clears. between:
# neither. unknown: there is too little data to say.
Seen = Literal["bad", "good", "between", "unknown"]
Turn = Literal["", "firing", "resolved"]


@dataclass(frozen=True, slots=True)
class State:
    """`since_ms`: when it became pending; `clear_ms`: since when a firing one has been good, 0
    where it is not."""

    phase: Phase = "inactive"
    since_ms: int = 0
    clear_ms: int = 0


INACTIVE = State()


def step(state: State, seen: Seen, now_ms: int, hold_ms: int, clear_hold_ms: int
         ) -> tuple[State, Turn]:  # fmt: skip
    """The next state, and what turned. Too little data starts nothing and ends nothing: a pending
    rule is forgotten, a firing one goes on. A clock that jumped back starts a wait anew."""
    if state.phase == "inactive":
        return (State("pending", now_ms), "") if seen == "bad" else (INACTIVE, "")
    if state.phase == "pending":
        if seen != "bad":
            return INACTIVE, ""
        if now_ms < state.since_ms:
            return State("pending", now_ms), ""
        if now_ms - state.since_ms >= hold_ms:
            return State("firing", state.since_ms), "firing"
        return state, ""
    if seen == "unknown":
        return state, ""
    if seen != "good":
        return replace(state, clear_ms=0), ""
    began = state.clear_ms if 0 < state.clear_ms <= now_ms else now_ms
    if now_ms - began >= clear_hold_ms:
        return INACTIVE, "resolved"
    return replace(state, clear_ms=began), ""


def against(value: float | None, above: float | None, below: float | None, clear: float | None
            ) -> Seen:  # fmt: skip
    """A value against a limit; without `clear` it is good as soon as it is within the limit."""
    if value is None:
        return "unknown"
    if above is not None:
        if value > above:
            return "bad"
        return "good" if value <= (above if clear is None else clear) else "between"
    if below is not None:
        if value < below:
            return "bad"
        return "good" if value >= (below if clear is None else clear) else "between"
    return "unknown"


def burning(pairs: list[tuple[float | None, float | None, float]]) -> Seen:
    """Burn rates of (window, its last twelfth, factor): bad where one window and its last part
    both exceed the factor, good where no last part does."""
    known = [(long, short, f) for long, short, f in pairs if long is not None and short is not None]
    if any(long > f and short > f for long, short, f in known):
        return "bad"
    if not known:
        return "unknown"
    return "between" if any(short > f for _, short, f in known) else "good"
