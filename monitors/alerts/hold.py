"""When an alert waits: silences with an end, and quiet hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from monitors.alerts.message import Message
from schemas.alerting import AlertPolicy, SilencePolicy, quiet_hours, zone


def silenced(message: Message, name: str, silences: Mapping[str, SilencePolicy], now_ms: int
             ) -> str:  # fmt: skip
    """Why a message to the destination `name` waits at `now_ms`, "" where it does not. A silence
    bears the name of a destination, a signal or a rule, or is called `all`."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    for key in (name, message.signal, "all"):
        found = silences.get(key)
        if found is None or (found.project and found.project != message.project):
            continue
        if now < found.ends:
            return f"silence {key} until {found.until}"
    return ""


def in_quiet_hours(policy: AlertPolicy, now_ms: int) -> bool:
    """True from the first minute up to, and without, the last; the hours may span midnight."""
    if not policy.quiet:
        return False
    start, end = quiet_hours(policy.quiet)
    local = datetime.fromtimestamp(now_ms / 1000, zone(policy.timezone)).time()
    return start <= local < end if start <= end else local >= start or local < end


def held(
    message: Message, name: str, policy: AlertPolicy, silences: Mapping[str, SilencePolicy],
    now_ms: int,
) -> str:  # fmt: skip
    """Why a message waits, "" where it may go. Quiet hours do not hold what is critical."""
    why = silenced(message, name, silences, now_ms)
    if why or message.severity == "critical" or not in_quiet_hours(policy, now_ms):
        return why
    return f"quiet hours {policy.quiet} {policy.timezone}"
