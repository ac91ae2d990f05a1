"""People who may open the explorer: control documents that hold a slow hash of a password.

Without any there is nothing to ask for, and the explorer is open to whoever reaches its port.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from schemas import control
from schemas.clickhouse import Store
from schemas.control import ControlError

KIND = "user"
ROLES = ("viewer", "reviewer", "editor", "admin")  # each may what those before it may
SHORTEST = 10  # characters of a password
LONGEST = 1024
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
# scrypt (RFC 7914) at 32 MiB and three rounds: of the parameters that OWASP lists as equal (its
# password storage cheat sheet) those with the least memory but one.
_N, _R, _P = 15, 8, 3


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks: `role` is one of ROLES; `projects` none named: all."""

    name: str
    role: str
    projects: tuple[str, ...] = ()

    def may(self, role: str) -> bool:
        """True where this is the role or one above it."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def sees(self, project: str) -> bool:
        return not self.projects or project in self.projects

    @property
    def signature(self) -> str:
        """What stands as the author of a change."""
        return f"{self.name or 'somebody'} (explorer)"


ANYBODY = Person("", "admin")  # where there are no users
NOBODY = Person("", "viewer")


@dataclass(frozen=True, slots=True)
class Login:
    """A user as stored; `hash` is `scrypt$n$r$p$salt$key`, times in ms since 1970."""

    name: str
    role: str
    projects: tuple[str, ...]
    hash: str
    created_at: int

    @property
    def person(self) -> Person:
        return Person(self.name, self.role, self.projects)

    @property
    def mark(self) -> str:
        """Changes with the password, so that a login under an old one ends."""
        return hashlib.sha256(self.hash.encode()).hexdigest()[:16]

    def knows(self, password: str) -> bool:
        """True if this is the password. Slow by intent: about 0.3 s and 32 MiB."""
        try:
            kind, n, r, p, salt, key = self.hash.split("$")
            made = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
        except (ValueError, TypeError):
            return False
        return kind == "scrypt" and hmac.compare_digest(made, base64.b64decode(key))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    text = password.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(text, salt=salt, n=2**n, r=r, p=p, maxmem=2**27, dklen=32)


def hashed(password: str) -> str:
    """What is kept of a password. Raises ControlError for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ControlError(f"a password has {SHORTEST} to {LONGEST} characters")
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, _N, _R, _P)
    parts = (base64.b64encode(part).decode() for part in (salt, key))
    return "$".join(("scrypt", str(_N), str(_R), str(_P), *parts))


def made(document: Mapping[str, Any]) -> Login:
    """A login from its control document. Raises ControlError."""
    try:
        found = Login(**{**document, "projects": tuple(document["projects"])})
    except (TypeError, KeyError) as error:
        raise ControlError(f"a stored user cannot be read: {error}") from error
    if found.role not in ROLES:
        raise ControlError(f"user {found.name}: there is no role {found.role}")
    return found


def read(store: Store) -> dict[str, Login]:
    """Users by name. One that cannot be read lets nobody in, and still counts as one."""
    found = {}
    for row in control.documents(store, KIND):
        if not row["deleted"]:
            try:
                found[row["name"]] = made(json.loads(row["document"]))
            except (ControlError, ValueError):
                found[row["name"]] = Login(row["name"], "viewer", ("",), "", 0)
    return found


def add(
    store: Store, name: str, role: str, projects: Sequence[str], password: str, author: str
) -> Login:
    """A new user. Raises ControlError where there is one of the name, or an entry makes no sense;
    the first one must be an admin of all projects."""
    rows = {row["name"]: row for row in control.documents(store, KIND)}
    if not NAME.fullmatch(name):
        raise ControlError(f"{name!r} is no user name: small letters, digits, and . _ @ + - inside")
    if name in rows and not rows[name]["deleted"]:
        raise ControlError(f"there is a user {name} already; `assay user passwd {name}`")
    now = time.time_ns() // 10**6
    login = Login(name, _role(role), _projects(projects), hashed(password), now)
    if not any(not row["deleted"] for row in rows.values()) and (role != "admin" or projects):
        raise ControlError("the first user must be an admin of all projects: --role admin")
    version = int(rows[name]["version"]) + 1 if name in rows else 1
    _write(store, login, version, author)
    return login


def change(
    store: Store, name: str, author: str, *, role: str = "", projects: Sequence[str] | None = None,
    password: str = "",
) -> Login:  # fmt: skip
    """Change what is given. Raises ControlError."""
    version, login = _found(store, name)
    if role:
        login = replace(login, role=_role(role))
    if projects is not None:
        login = replace(login, projects=_projects(projects))
    _keeps_an_admin(store, {name: login})
    if password:
        login = replace(login, hash=hashed(password))
    _write(store, login, version + 1, author)
    return login


def remove(store: Store, name: str, author: str) -> None:
    """Raises ControlError where there is none of the name, or the others would have no admin."""
    version, _ = _found(store, name)
    _keeps_an_admin(store, {name: None})
    control.write(store, (KIND, name), None, version + 1, "users", author)


def _keeps_an_admin(store: Store, after: Mapping[str, Login | None]) -> None:
    users = [user for user in {**read(store), **after}.values() if user]
    if users and not any(user.role == "admin" and not user.projects for user in users):
        raise ControlError("one user must stay an admin of all projects")


def _role(role: str) -> str:
    if role not in ROLES:
        raise ControlError(f"there is no role {role}; choose of {', '.join(ROLES)}")
    return role


def _projects(projects: Sequence[str]) -> tuple[str, ...]:
    if not all(name and name.isprintable() for name in projects):
        raise ControlError("a project's name is not empty and has no control characters")
    return tuple(sorted(set(projects)))


def _found(store: Store, name: str) -> tuple[int, Login]:
    for row in control.documents(store, KIND):
        if row["name"] == name and not row["deleted"]:
            try:
                return int(row["version"]), made(json.loads(row["document"]))
            except ValueError as error:
                raise ControlError(f"user {name} cannot be read: {error}") from error
    raise ControlError(f"there is no user {name}; `assay user list` names those there are")


def _write(store: Store, login: Login, version: int, author: str) -> None:
    control.write(store, (KIND, login.name), asdict(login), version, "users", author)
