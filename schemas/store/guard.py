"""Who may talk to the embedded store: its one user, from this machine, never a web page.

An open port is file read and DROP for any page in the user's browser, hence Origin and Host.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

USER = "assay"
_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


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


def allowed(headers: Mapping[str, str], query: Mapping[str, str], expected: str) -> bool:
    """True if the request carries the user and password, in any of ClickHouse's three ways."""
    user = headers.get("x-clickhouse-user", query.get("user", ""))
    given = headers.get("x-clickhouse-key", query.get("password", ""))
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, given = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
    return user == USER and hmac.compare_digest(given.encode(), expected.encode())
