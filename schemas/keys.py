"""API keys: control documents that hold a digest; the key itself is shown once and kept nowhere.

A key is `ak_<id>_<secret>` with 192 random bits of secret, so one SHA-256 of it is as good as a
slow hash and costs a request nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from schemas import control
from schemas.clickhouse import Store
from schemas.control import ControlError

KIND = "key"
SCOPES = ("ingest", "read", "admin")
ANY = "*"  # the project of a key that may name any
KEY_PREFIX = "ak_"
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`project` is what the key is bound to, `*` if it may name any; times in ms since 1970,
    `expires_at` 0 for never; `digest` is the SHA-256 of the whole key in hex."""

    id: str
    project: str
    scopes: tuple[str, ...]
    digest: str
    note: str
    created_at: int
    expires_at: int

    def may(self, scope: str) -> bool:
        """True where the key has a scope; `admin` has all of them."""
        return scope in self.scopes or "admin" in self.scopes

    def expired(self, now_ms: int) -> bool:
        return 0 < self.expires_at <= now_ms


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def made(document: Mapping[str, Any]) -> ApiKey:
    """A key from its control document. Raises ControlError."""
    try:
        return ApiKey(**{**document, "scopes": tuple(document["scopes"])})
    except (TypeError, KeyError) as error:
        raise ControlError(f"a stored key cannot be read: {error}") from error


def read(store: Store) -> list[ApiKey]:
    """Every key that was not revoked, expired ones too. One that cannot be read lets nobody in."""
    return [_stored(row) for row in control.documents(store, KIND) if not row["deleted"]]


def _stored(row: Mapping[str, Any]) -> ApiKey:
    try:
        return made(json.loads(row["document"]))
    except (ControlError, ValueError):
        return ApiKey(row["name"], "", (), "", "cannot be read: revoke it", 0, 1)


def create(
    store: Store, project: str, scopes: Iterable[str], days: float, note: str, author: str
) -> tuple[ApiKey, str]:
    """A new key for `days` (0: for ever), and its text, which nobody can find out again.

    Raises ControlError where project or scopes make no sense.
    """
    given = set(scopes)
    if not given or not given <= set(SCOPES):
        named = ", ".join(sorted(given - set(SCOPES))) or "nothing"
        raise ControlError(f"--scope {named}: choose of {', '.join(SCOPES)}")
    wanted = tuple(scope for scope in SCOPES if scope in given)
    if not project or not project.isprintable():
        raise ControlError("a key needs a project: --project NAME, or '*' for any")
    if days < 0:
        raise ControlError("a key expires after a number of days above 0; 0 is never")
    now, name = time.time_ns() // 10**6, secrets.token_hex(6)
    text = f"{KEY_PREFIX}{name}_{secrets.token_urlsafe(24)}"
    until = now + round(days * DAY_MS) if days else 0
    key = ApiKey(name, project, wanted, digest(text), note, now, until)
    _write(store, key, 1, author)
    return key, text


def rotate(store: Store, name: str, hours: float, author: str) -> tuple[ApiKey, str]:
    """A new key like the named one, which goes on working for `hours`. Raises ControlError."""
    version, old = _found(store, name)
    now = time.time_ns() // 10**6
    left = max(1.0, (old.expires_at - old.created_at) / DAY_MS) if old.expires_at else 0.0
    new, text = create(store, old.project, old.scopes, left, old.note, author)
    until = now + round(hours * 3_600_000)
    if not old.expires_at or until < old.expires_at:
        _write(store, replace(old, expires_at=until), version + 1, author)
    return new, text


def revoke(store: Store, name: str, author: str) -> ApiKey:
    """End a key. Raises ControlError where there is none of the name."""
    version, key = _found(store, name)
    control.write(store, (KIND, name), None, version + 1, "keys", author)
    return key


def _found(store: Store, name: str) -> tuple[int, ApiKey]:
    for row in control.documents(store, KIND):
        if row["name"] == name and not row["deleted"]:
            return int(row["version"]), _stored(row)
    raise ControlError(f"there is no key {name}; `assay key list` names those there are")


def _write(store: Store, key: ApiKey, version: int, author: str) -> None:
    control.write(store, (KIND, key.id), asdict(key), version, "keys", author)
