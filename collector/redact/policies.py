"""Which policy is in force for a project, also while ClickHouse is away; refuses when in doubt."""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from collector.redact.likely import Likely
from collector.redact.presidio import MissingError, finder
from collector.redact.request import redact
from collector.redact.rules import custom, rules
from collector.redact.text import Redactor
from collector.signals.base import project_of
from schemas import clickhouse, control
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.redaction import RedactionPolicy
from schemas.settings import Settings

log = logging.getLogger("assay.collector")
CACHE = "redaction.json"
SALT = "redaction.salt"
TALLY = "redactions.json"
SECONDS = 3.0  # between looks at control state
PATIENCE = 5.0  # seconds that a start waits for the first look
Found = dict[str, RedactionPolicy]


def reader(settings: Settings) -> Callable[[], Found]:
    """A function that reads what control state says now. It raises Retryable, Permanent,
    ControlError."""
    kept = clickhouse.Kept(settings)

    def read() -> Found:
        with kept.store() as store:
            return control.redactions(store)

    return read


def _salt(path: Path) -> bytes:
    """The salt of this ASSAY_HOME, made once; of several workers the first makes it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    found = path.read_bytes()
    if len(found) != 32:
        raise ValueError(f"{path} is damaged: remove it, and hashes start anew")
    return found


def _cached(path: Path) -> Found:
    """Raises ValueError (of which ControlError is one) and OSError where the file is damaged."""
    if not path.exists():
        return {}
    given = json.loads(path.read_text())
    if not isinstance(given, dict):
        raise ValueError(f"{path} is not a mapping")
    made = {name: control.policy("redaction", p, f"{path}: {name}") for name, p in given.items()}
    return {name: p for name, p in made.items() if isinstance(p, RedactionPolicy)}


class Policies:
    """Policies by project, the last known ones while ClickHouse is away. Thread-safe."""

    def __init__(self, home: Path, read: Callable[[], Found]) -> None:
        self._cache = home / CACHE
        self._read = read
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._salt = _salt(home / SALT)
        self._used: dict[str, Redactor | None] = {}
        self._compiled: dict[str, Likely] = {}  # by the rules of a policy
        self._found: Found = {}
        self._fault = ""
        try:
            self._found = _cached(self._cache)
        except (ValueError, OSError) as error:
            self._fault = f"redaction policies cannot be read: {error}"
            log.error("%s; nothing is accepted until control state can be", self._fault)

    def start(self, stop: threading.Event, tally: Path) -> None:
        """Look now and every SECONDS in a thread; returns after the first look or PATIENCE."""
        looked = threading.Event()

        def look() -> None:
            while True:
                self.refresh()
                looked.set()
                try:
                    self.save(tally)
                except OSError as error:
                    log.error("counts of redactions cannot be saved: %s", error)
                if stop.wait(SECONDS):
                    return

        threading.Thread(target=look, name="redaction", daemon=True).start()
        looked.wait(PATIENCE)

    def refresh(self) -> None:
        """Take over what control state says; an unreadable policy refuses all until mended."""
        try:
            found = self._read()
            if found != self._found or self._fault:
                self._keep(found)
        except (ControlError, OSError) as error:
            with self._lock:
                self._fault = f"redaction policies cannot be used: {error}"
            log.error("%s", self._fault)
            return
        except (Retryable, Permanent) as error:
            log.debug("control state cannot be read, the last known policies hold: %s", error)
            return
        with self._lock:
            if found != self._found:
                self._used.clear()
                self._compiled.clear()
            self._found, self._fault = found, ""

    def _keep(self, found: Found) -> None:
        draft = self._cache.with_name(f"{CACHE}.{os.getpid()}")
        with draft.open("w") as file:
            json.dump({name: asdict(policy) for name, policy in found.items()}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._cache)

    def _of(self, project: str) -> Redactor | None:
        """A redactor for one request of a project; None where its policy is off."""
        with self._lock:
            if self._fault:
                raise Retryable(self._fault, delay=5.0)
            policy = self._found.get(project) or self._found.get("default") or RedactionPolicy()
            key = project if policy.mode == "hash" or project in self._found else ""
            if len(self._used) > 1000:  # names are the sender's: they may never repeat
                self._used.clear()
            if key not in self._used:
                try:
                    salt = self._salt + key.encode("utf-8", "replace")
                    made = _made(policy, salt, self._compiled)
                except MissingError as error:
                    log.error("nothing of %s is accepted: %s", project, error)
                    raise Retryable(f"redaction policy: {error}", delay=30.0) from error
                self._used[key] = made
            held = self._used[key]
        return held and held.use()

    @property
    def quick(self) -> bool:
        """True where no policy in force asks a model: rules take microseconds, models do not."""
        return not any(policy.presidio for policy in self._found.values())

    def apply(self, request: Any) -> bool:
        """Redact a request in place; True where something changed. Raises Retryable on any doubt:
        then nothing of it may be written."""
        changed: Counter[str] = Counter()
        try:
            for group in (item for _, groups in request.ListFields() for item in groups):
                use = self._of(project_of(group.resource))
                if use is not None:
                    redact(group, use)
                    changed += use.counts
        except Retryable:
            raise
        except Exception as error:
            # The message of an error may quote what was to be hidden: only its place is logged.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("redaction failed with %s\n%s", type(error).__name__, where)
            raise Retryable("redaction failed, nothing was kept", delay=5.0) from None
        if changed:
            with self._lock:
                self._counts += changed
        return bool(changed)

    def save(self, tally: Path) -> None:
        """Counts for other workers' /metrics. Raises OSError."""
        with self._lock:
            text = json.dumps(self._counts)
        tally.parent.mkdir(parents=True, exist_ok=True)
        draft = tally.with_suffix(".new")
        draft.write_text(text)
        draft.replace(tally)

    def totals(self, spool: Path, mine: Path) -> Counter[str]:
        """Redactions by rule: of this worker as they are, of others as they last saved them."""
        with self._lock:
            found = Counter(self._counts)
        for path in spool.glob(f"*/{TALLY}"):
            if path != mine:
                found.update(json.loads(path.read_text()))
        return found


def _made(
    policy: RedactionPolicy, salt: bytes, compiled: dict[str, Likely]
) -> Redactor | None:  # fmt: skip
    """Projects that differ in nothing but their salt share what is compiled."""
    if not policy.enabled:
        return None
    chosen = [rule for name, rule in rules().items() if name in policy.rules]
    chosen += [custom(label, pattern) for label, pattern in policy.patterns.items()]
    find = finder(policy.presidio) if policy.presidio else None
    name = json.dumps([sorted(policy.rules), dict(policy.patterns)])
    if name not in compiled:
        compiled[name] = Likely(chosen)
    return Redactor(
        chosen, salt if policy.mode == "hash" else b"", find=find, compiled=compiled[name]
    )


def exposed(counts: Mapping[str, int]) -> str:
    """Prometheus' text format."""
    name = "assay_redactions_total"
    head = f"# HELP {name} values replaced before the first write\n# TYPE {name} counter\n"
    return head + "".join(f'{name}{{rule="{r}"}} {n}\n' for r, n in sorted(counts.items()))
