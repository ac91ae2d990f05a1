"""Who may send, into which project: API keys from control state, as last known on disk.

A key bound to a project decides where data goes, whatever its spans say (design section 5). On
loopback without any key, and with a key for any project, the spans say it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from collector.quotas import Meter
from collector.signals.base import project_of
from schemas import clickhouse, control, keys
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.keys import ANY, ApiKey
from schemas.quotas import QuotaPolicy, checked
from schemas.settings import Settings

log = logging.getLogger("assay.collector")
CACHE = "access.json"
TALLY = "requests.json"
SECONDS = 3.0  # between looks at control state
NAMED = "openinference.project.name"
SENT = "assay.sent_project"  # keeps the name that a key overruled
HINT = "send an API key as `Authorization: Bearer <key>`; `assay key create` makes one"


@dataclass(frozen=True, slots=True)
class Grant:
    """May send into `project`, "" for whatever project the data names."""

    project: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status` is the HTTP code (401, 403, 503) for `text`."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What control state says: keys by digest, quotas by project."""

    keys: Mapping[str, ApiKey] = field(default_factory=dict)
    quotas: Mapping[str, QuotaPolicy] = field(default_factory=dict)


Look = Callable[[], Rules]


def look(settings: Settings) -> Look:
    """A function that reads control state now. It raises Retryable, Permanent, ControlError."""
    kept = clickhouse.Kept(settings)

    def read() -> Rules:
        with kept.store() as store:
            found = {key.digest: key for key in keys.read(store)}
            return Rules(found, control.quotas(store))

    return read


def secrets_of(header: str) -> list[str]:
    """The keys that an Authorization header may carry: Bearer, or Basic's password or user."""
    kind, _, rest = header.strip().partition(" ")
    if kind.lower() == "bearer":
        return [rest.strip()] if rest.strip() else []
    if kind.lower() != "basic":
        return []
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return []
    return [text for text in (password, user) if text]


class Access:
    """Thread-safe. `open_without_keys`: the listener is on loopback."""

    def __init__(
        self, home: Path, read: Look, key: str, open_without_keys: bool, meter: Meter
    ) -> None:
        self._cache = home / CACHE
        self._read = read
        self._key = key
        self._open = open_without_keys
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.meter = meter
        self._rules = _cached(self._cache)
        self._use()

    @property
    def keyless(self) -> bool:
        """True where control state is known and nobody could send."""
        if self._rules is None or self._rules.keys:
            return False
        return not self._key and not self._open

    def _use(self) -> None:
        if self._rules is not None:
            self.meter.use(self._rules.quotas)

    def admit(self, header: str) -> Grant | Refusal:
        """What an Authorization header allows."""
        answer = self._judge(secrets_of(header))
        if isinstance(answer, Refusal):
            self.count(f"refused_{answer.status}")
        return answer

    def _judge(self, given: list[str]) -> Grant | Refusal:
        rules = self._rules
        if any(self._key and hmac.compare_digest(t.encode(), self._key.encode()) for t in given):
            return Grant()
        if self._open and not self._key and (rules is None or not rules.keys):
            return Grant()
        if not given:
            return Refusal(401, HINT)
        if rules is None:
            return Refusal(503, "keys cannot be checked before ClickHouse was reached once")
        found = next((k for t in given if (k := rules.keys.get(keys.digest(t)))), None)
        if found is None:
            return Refusal(401, "this key is not known, or was revoked; " + HINT)
        if found.expired(time.time_ns() // 10**6):
            return Refusal(401, f"key {found.id} has expired; `assay key rotate {found.id}`")
        if not found.may("ingest"):
            return Refusal(403, f"key {found.id} has not the scope 'ingest'")
        return Grant("" if found.project == ANY else found.project)

    def bind(self, request: Any, grant: Grant) -> bool:
        """Put a request into the project of its key; True where something was rewritten."""
        if not grant.project:
            return False
        changed = False
        for group in (item for _, groups in request.ListFields() for item in groups):
            named = [a for a in group.resource.attributes if a.key == NAMED]
            said = project_of(group.resource)
            if said == grant.project and len(named) <= 1:
                continue
            for attribute in named:
                group.resource.attributes.remove(attribute)
            group.resource.attributes.add(key=NAMED).value.string_value = grant.project
            if named:
                group.resource.attributes.add(key=SENT).value.string_value = said
                self.count(f"mismatch {grant.project}")
            changed = True
        return changed

    def count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def refresh(self) -> None:
        """Take over what control state says; while it cannot be read, what is known holds."""
        try:
            found = self._read()
            if found != self._rules:
                _keep(self._cache, found)
        except (Retryable, Permanent, ControlError, OSError) as error:
            log.debug("what is known of keys and quotas holds: %s", error)
            return
        self._rules = found
        self._use()

    def run(self, stop: threading.Event, tally: Path) -> None:
        """Look every SECONDS until `stop`; save counts for other workers' /metrics."""
        while not stop.wait(SECONDS):
            self.refresh()
            try:
                self.save(tally)
            except OSError as error:
                log.error("counts of requests cannot be saved: %s", error)

    def save(self, tally: Path) -> None:
        """Raises OSError."""
        tally.parent.mkdir(parents=True, exist_ok=True)
        draft = tally.with_suffix(".new")
        draft.write_text(json.dumps(self._mine()))
        draft.replace(tally)

    def _mine(self) -> Counter[str]:
        with self._lock:
            return self._counts + self.meter.counts()

    def totals(self, spool: Path, mine: Path) -> Counter[str]:
        """Counts of this worker as they are, of others as they last saved them."""
        found = self._mine()
        for path in spool.glob(f"*/{TALLY}"):
            if path != mine:
                found.update(json.loads(path.read_text()))
        return found


def of_settings(settings: Settings) -> Access:
    """The access that the settings ask for, as last cached."""
    return Access(
        settings.home, look(settings), settings.ingest_key, settings.loopback,
        Meter(1 / settings.workers),
    )  # fmt: skip


def _keep(path: Path, rules: Rules) -> None:
    said = {"keys": [asdict(key) for key in rules.keys.values()],
            "quotas": {name: asdict(quota) for name, quota in rules.quotas.items()}}  # fmt: skip
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(said, file)
    draft.replace(path)


def _cached(path: Path) -> Rules | None:
    """What was cached; None where nothing was, or where it is damaged: then keys are unknown."""
    try:
        said = json.loads(path.read_text())
        found = [keys.made(document) for document in said["keys"]]
        quotas = {
            str(name): QuotaPolicy(**{field: checked(n, field) for field, n in quota.items()})
            for name, quota in said["quotas"].items()
        }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("%s cannot be read and is made anew: %s", path, error)
        return None
    return Rules({key.digest: key for key in found}, quotas)


_HELP = {
    "assay_requests_refused_total": ("status", "requests refused for their key"),
    "assay_project_mismatches_total": ("project", "resources whose key overruled their project"),
    "assay_quota_refused_total": ("project", "requests refused for a quota"),
    "assay_received_bytes_total": ("project", "bytes of OTLP, unpacked, of requests taken"),
}  # fmt: skip
_PREFIX = {
    "refused_": "assay_requests_refused_total",
    "mismatch ": "assay_project_mismatches_total",
    "quota ": "assay_quota_refused_total",
    "bytes ": "assay_received_bytes_total",
}


def exposed(counts: Mapping[str, int]) -> str:
    """Prometheus' text format."""
    lines = []
    for prefix, metric in _PREFIX.items():
        label, text = _HELP[metric]
        lines += [f"# HELP {metric} {text}", f"# TYPE {metric} counter"]
        lines += [
            f"{metric}{{{label}={json.dumps(name.removeprefix(prefix))}}} {count}"
            for name, count in sorted(counts.items())
            if name.startswith(prefix)
        ]
    return "\n".join(lines) + "\n"
