"""When an endpoint may be asked again: what its headers say, shared by all threads."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(text: str) -> float | None:
    """'12', '1.5s', '6m0s', '20ms' or a date of HTTP or ISO 8601 as seconds from now (at least
    0); None for anything else."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _SPAN.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        moment = datetime.fromisoformat(text) if "T" in text else parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


class Pace:
    """The moment before which nobody should ask; `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0
        self._lock = threading.Lock()

    def learn(self, headers: Mapping[str, str], tokens: int = 0) -> float:
        """Read Retry-After and the x-ratelimit headers of a response; the pause that they ask for
        in seconds. `tokens`: what the next request is likely to need."""
        waits = [seconds(headers.get("retry-after", ""))]
        if (exact := headers.get("retry-after-ms", "")).replace(".", "", 1).isdigit():
            waits = [float(exact) / 1000]
        for kind, needed in (("requests", 1), ("tokens", max(1, tokens))):
            left = headers.get(f"x-ratelimit-remaining-{kind}", "")
            if left.isdigit() and int(left) < needed:
                waits.append(seconds(headers.get(f"x-ratelimit-reset-{kind}", "")))
        pause = max((wait for wait in waits if wait is not None), default=0.0)
        if pause:
            with self._lock:
                self._until = max(self._until, self._clock() + pause)
        return pause

    def left(self) -> float:
        """Seconds until one may ask."""
        with self._lock:
            return max(0.0, self._until - self._clock())
