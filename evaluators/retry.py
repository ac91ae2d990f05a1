"""When an error that may pass is tried again: for about a day, ever more rarely."""

from __future__ import annotations

FIRST, LONGEST = 60, 7200  # seconds between tries; each wait is twice the one before
PATIENCE = 24 * 3600  # seconds from the first try, after which an error stays one
PASSING = frozenset({"timeout", "unreachable", "rate_limited", "server_error"})


def passing(reason: str) -> bool:
    """Whether an error is an outage, and no verdict on the item."""
    return reason.partition(":")[0] in PASSING


def wait(tries: int) -> int:
    """Seconds from the end of try number `tries` (from 1) to the next; 0 for never."""
    waits = [min(LONGEST, FIRST * 2**n) for n in range(min(tries, 64))]
    return 0 if sum(waits) > PATIENCE else waits[-1]


def schedule(status: str, reason: str, tries_before: int, now_ms: int) -> tuple[int, int]:
    """(tries, when to try again in ms, 0 for never) of a result."""
    tries = tries_before + 1
    if status != "error" or not passing(reason):
        return tries, 0
    pause = wait(tries)
    return tries, now_ms + 1000 * pause if pause else 0
