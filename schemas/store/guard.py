"""Who may talk to the embedded store: its users, from this machine, never a web page.

An open port is file read and DROP for any page in the user's browser, hence Origin and Host.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.keys import KEY_PREFIX, digest
from schemas.store.users import FULL as USER
from schemas.store.users import PREFIX, User

_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is signed in. `project` None is the full user; any other sees that project's rows."""

    name: str
    project: str | None


def password(path: Path) -> str:
    """The store's password, made once with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text().strip()


def foreign(headers: Mapping[str, str]) -> str:
    """The foreign Host or Origin that a request names, "" if none."""
    host = headers.get("host", "")
    if host.rsplit(":", 1)[0] not in _LOCAL and host not in _LOCAL:
        return host or "(no Host)"
    origin = headers.get("origin", "")
    if origin:
        name = origin.split("://", 1)[-1]
        return "" if name == host else origin
    return ""


def signed_in(
    headers: Mapping[str, str],
    query: Mapping[str, str],
    expected: str,
    users: Mapping[str, User],
) -> Caller | None:
    """Who sends the request, by user and password in any of ClickHouse's three ways."""
    user = headers.get("x-clickhouse-user", query.get("user", ""))
    given = headers.get("x-clickhouse-key", query.get("password", ""))
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _keyed(users, encoded.strip(), "")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        # The names of restricted users have colons, their passwords have none.
        split = str.rpartition if pair.startswith(PREFIX) else str.partition
        user, _, given = split(pair, ":")
    if user == USER:
        right = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
        return Caller(USER, None) if right else None
    if given.startswith(KEY_PREFIX) and (caller := _keyed(users, given, user)):
        return caller
    found = users.get(user)
    return Caller(user, found.project) if found is not None and found.knows(given) else None


def _keyed(users: Mapping[str, User], key: str, user: str) -> Caller | None:
    """Who an API key belongs to; `user`, where it is given, must be that name."""
    found = users.get(digest(key))
    if found is None or user not in {"", found.name}:
        return None
    return Caller(found.name, found.project or None)
