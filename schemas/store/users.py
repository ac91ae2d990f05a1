"""Restricted users of the embedded store: one file of names, projects and hashed passwords.

A password is 192 random bits, so one SHA-256 of it is as good as a slow hash and costs a request
nothing. The file is read again when it changes: a removed user is out with the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from schemas.keys import ANY, ApiKey

PREFIX = "project:"
FULL = "assay"  # the user who may everything


class UsersError(ValueError):
    """The change cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class User:
    """A restricted user. `digest` is the SHA-256 of its password, in hex."""

    name: str
    project: str
    digest: str

    def knows(self, password: str) -> bool:
        """True if this is the user's password; takes as long if it is not."""
        return hmac.compare_digest(_digest(password), self.digest)


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode("utf-8", "surrogateescape")).hexdigest()


def read(path: Path) -> dict[str, User]:
    """The users in a file, by name; none if there is no file. Raises UsersError if it is broken."""
    try:
        found = json.loads(path.read_text())
        users = [User(str(x["name"]), str(x["project"]), str(x["digest"])) for x in found["users"]]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsersError(f"{path} cannot be read: {error}") from error
    return {user.name: user for user in users if user.project}


def _write(path: Path, users: Mapping[str, User]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file with mode 0600.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w") as file:
        json.dump({"users": [asdict(users[key]) for key in sorted(users)]}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def add(path: Path, project: str) -> tuple[User, str]:
    """Add the user of a project; the user, and its password, which is kept nowhere else."""
    if not project or not project.isprintable():
        raise UsersError("a project's name is not empty and has no control characters")
    users = read(path)
    name = PREFIX + project
    if name in users:
        raise UsersError(f"{name} is there already; remove it to give it a new password")
    password = secrets.token_urlsafe(24)
    users[name] = User(name, project, _digest(password))
    _write(path, users)
    return users[name], password


def remove(path: Path, project: str) -> bool:
    """Remove the user of a project; False if there is none."""
    users = read(path)
    if users.pop(PREFIX + project, None) is None:
        return False
    _write(path, users)
    return True


class UsersFile:
    """The users in a file as of now, read again when the file changed, and API keys that may read.

    `keys` are by the digest of the key; a user without a project is the full one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.keys: Mapping[str, User] = {}
        self._seen: tuple[int, int, int] | None = None
        self._users: dict[str, User] = {}

    def __call__(self) -> Mapping[str, User]:
        """The users by name; none while the file is broken, for a hole must not stay open."""
        try:
            status = self._path.stat()
        except OSError:
            return self.keys
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if seen != self._seen:
            try:
                self._users = read(self._path)
            except UsersError:
                self._users = {}
            self._seen = seen
        return {**self._users, **self.keys}


def of_keys(found: Iterable[ApiKey], now_ms: int) -> dict[str, User]:
    """The store's users by key digest: of a project with `read`, the full one with `admin` of any
    project."""
    users: dict[str, User] = {}
    for key in found:
        if key.expired(now_ms) or not key.may("read"):
            continue
        if key.project != ANY:
            users[key.digest] = User(PREFIX + key.project, key.project, key.digest)
        elif "admin" in key.scopes:
            users[key.digest] = User(FULL, "", key.digest)
    return users
