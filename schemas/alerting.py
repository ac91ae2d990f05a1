"""Where alerts go, as plain checked data: what `alerts` in assay.yaml may say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from string import Template
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SEVERITIES = ("info", "warning", "error", "critical")  # in order; PagerDuty's words
SCHEMES = ("http", "https", "smtp", "smtps", "smtp+plain")
IN_TEMPLATES = (
    "message_id", "key", "type", "state", "title", "severity", "project", "signal", "summary",
    "segment", "onset", "sent_at", "effect", "effect_interval", "p_value", "share_explained",
    "value", "threshold", "examples", "related", "url", "owner", "runbook", "finding_id", "members",
)  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
GROUP_LABELS = ("rule", "severity", "owner")  # the project is always one
_LENGTH = re.compile(r"(\d+)(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 7 * 86400  # seconds
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Confirmed findings and firing rules named in `signals` (none named: all) of `projects`
    (none named: all) go to `sink`.

    `url` is the address, `url_env` the environment variable that holds it where the address is
    itself a secret. `secret_env` names the variables that hold secrets, the newest first: with
    several each signs, so that a receiver may change keys. `quiet` are hours ("22:00-07:00" in
    `timezone`) in which what is less than critical waits. `template` is the JSON that a webhook
    sends in place of the message, with $names of it in its texts.

    Alerts of rules of one project that agree in the labels of `group_by` are one message: the first
    waits `group_wait` seconds for others, later ones and ends wait `group_interval` for the next.
    """

    sink: str = "webhook"
    signals: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    url: str = ""
    url_env: str = ""
    secret_env: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    sender: str = ""
    severity: str = ""
    owner: str = ""
    runbook: str = ""
    quiet: str = ""
    timezone: str = "UTC"
    template: str = ""
    group_by: tuple[str, ...] = ()
    group_wait: int = 30
    group_interval: int = 300


@dataclass(frozen=True, slots=True)
class SilencePolicy:
    """Until `until` (ISO 8601, UTC where it names no zone) what bears the silence's name waits:
    an alert, a signal, a rule, or with the name `all` everything; only of `project` if given."""

    until: str
    project: str = ""
    reason: str = ""

    @property
    def ends(self) -> datetime:
        found = datetime.fromisoformat(self.until)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds(value: Any, place: str) -> int:
    """A length like 30s, 10m, 2h or 1d, up to a week. Raises ValueError that names `place`."""
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        parts = _LENGTH.fullmatch(str(value))
        if parts is None:
            raise ValueError(f"{place}: {value!r} must be a length like 30s, 10m, 2h or 1d")
        found = int(parts[1]) * _UNITS[parts[2]]
    if not 0 <= found <= LONGEST:
        raise ValueError(f"{place}: {value!r} must be at most 7d")
    return found


def _labels(value: Any, place: str) -> tuple[str, ...]:
    found = _names([value] if isinstance(value, str) else value, place)
    for name in found:
        if name not in GROUP_LABELS:
            known = ", ".join(GROUP_LABELS)
            raise ValueError(f"{place}: {name!r} is not known; there are: {known}")
    return found


def _names(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError(f"{place}: {value!r} must be a list of names")
    return tuple(value)


def _text(value: Any, place: str, what: str) -> str:
    if not isinstance(value, str) or any(ord(c) < 32 for c in value):
        raise ValueError(f"{place}: {value!r} must be {what}")
    return value


def _variable(value: Any, place: str) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise ValueError(f"{place}: must be the name of an environment variable, not a secret")
    return value


def _link(value: Any, place: str, schemes: tuple[str, ...]) -> str:
    found = _text(value, place, "an address")
    try:
        parts = urlsplit(found)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{place}: {value!r} must be an address with {', '.join(schemes)}")
    if parts.password:
        raise ValueError(f"{place}: a password does not belong here; name its variable instead")
    return found


def quiet_hours(text: str) -> tuple[time, time]:
    """Start and end of "22:00-07:00". Raises ValueError."""
    found = _QUIET.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} must be hours like 22:00-07:00")
    a, b, c, d = (int(part) for part in found.groups())
    return time(a, b), time(c, d)


def silence(given: Mapping[str, Any], place: str) -> SilencePolicy:
    """A checked silence. Raises ValueError that names `place`."""
    until = given.get("until", "")
    # YAML reads a time without quotes as one.
    until = until.isoformat() if isinstance(until, date) else until
    try:
        datetime.fromisoformat(until)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{place}.until: {until!r} must be a time like 2026-12-01T08:00"
        ) from error
    rest = {k: _text(given.get(k, ""), f"{place}.{k}", "a text") for k in ("project", "reason")}
    return SilencePolicy(until, **rest)


def zone(name: str) -> tzinfo:
    """A time zone; UTC needs no database of them. Raises ValueError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a known time zone") from error


def _texts(value: Any) -> Iterator[str]:
    """Every text of a JSON value that may hold $names: keys may not."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def payload(value: Any, place: str) -> str:
    """A template, given as a mapping or as JSON text, as one line of JSON. Raises ValueError that
    names `place`, and the name in it that does not exist."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
        text = json.dumps(found, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{place}: it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{place}: it must be a mapping, or the text of a JSON object")
    for part in _texts(found):
        made = Template(part)
        if not made.is_valid():
            raise ValueError(f"{place}: {part!r} has a $ before no name; a dollar itself is $$")
        for name in made.get_identifiers():
            if name not in IN_TEMPLATES:
                known = ", ".join(IN_TEMPLATES)
                raise ValueError(f"{place}: ${name} is not known; there are: {known}")
    return text


def _one(name: str, value: Any, at: str) -> Any:
    if name in {"signals", "projects", "to"}:
        return _names([value] if name == "to" and isinstance(value, str) else value, at)
    if name == "secret_env":
        return tuple(_variable(v, at) for v in (value if isinstance(value, list) else [value]))
    if name == "url_env":
        return _variable(value, at)
    if name in {"url", "runbook"}:
        return _link(value, at, SCHEMES if name == "url" else ("http", "https"))
    if name == "template":
        return payload(value, at)
    if name == "group_by":
        return _labels(value, at)
    if name in {"group_wait", "group_interval"}:
        return seconds(value, at)
    if name == "severity" and value not in SEVERITIES:
        raise ValueError(f"{at}: {value!r} must be one of {', '.join(SEVERITIES)}")
    if name == "quiet":
        try:
            quiet_hours(_text(value, at, "hours"))
        except ValueError as error:
            raise ValueError(f"{at}: {error}") from error
    if name == "timezone":
        try:
            zone(_text(value, at, "a time zone like Europe/Madrid"))
        except ValueError as error:
            raise ValueError(f"{at}: {error}") from error
    return _text(value, at, "the name of a sink" if name == "sink" else "a text of one line")


def checked(given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Fields of AlertPolicy from plain data. Raises ValueError that names `place`."""
    made = {
        name: _one(name, value, f"{place}.{name}")
        for name, value in given.items()
        if value != "" and value != []  # a stored document spells its defaults out
    }
    if made.get("template") and made.get("sink", "webhook") != "webhook":
        raise ValueError(
            f"{place}.template: only a webhook has one; {made['sink']} has its own form"
        )
    return made
