"""Who is there: users as stored, a signed cookie, and patience with wrong passwords.

One Gate serves the login routes and the pages of a process; it is asked from several threads.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from schemas import clickhouse, logins
from schemas.errors import Permanent, Retryable
from schemas.logins import ANYBODY, Login, Person
from schemas.settings import Settings, from_environment
from ui.ended import Ended

COOKIE = "assay_session"
LIFE = 7 * 86400  # seconds that a login lasts
PROVIDER = "oidc-"  # of marks that a claim has made
LOOK = 3.0  # seconds between two looks at the users
HASHES = 2  # passwords that are checked at the same time: 32 MiB each
Read = Callable[[], dict[str, Login]]


class Throttle:
    """Seconds to wait after wrong passwords: none for the first few of a name, an address or both
    together, then twice as many each time, up to a quarter of an hour. Bounded; forgets in time."""

    FREE = (("pair", 5), ("name", 20), ("address", 50))
    LONGEST = 900.0
    ENTRIES = 10_000

    def __init__(self) -> None:
        self._wrong: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._guard = threading.Lock()

    @staticmethod
    def _keys(name: str, address: str) -> dict[str, tuple[str, str]]:
        return {"pair": (f"p{address}", name), "name": ("n", name), "address": ("a", address)}

    def wait(self, name: str, address: str, now: float) -> float:
        """Seconds until another try is looked at; 0 where it may be now."""
        keys = self._keys(name, address)
        with self._guard:
            return max(
                (
                    until - now
                    for kind, free in self.FREE
                    if (found := self._wrong.get(keys[kind]))
                    and (until := found[1] + self._pause(found[0], free)) > now
                ),
                default=0.0,
            )

    def _pause(self, wrong: int, free: int) -> float:
        return 0.0 if wrong < free else float(min(self.LONGEST, 2.0 ** min(20, wrong - free + 2)))

    def failed(self, name: str, address: str, now: float) -> None:
        keys = self._keys(name, address)
        with self._guard:
            for key in keys.values():
                wrong, last = self._wrong.pop(key, (0, now))
                wrong = 0 if now - last > 4 * self.LONGEST else wrong
                self._wrong[key] = (wrong + 1, now)
            while len(self._wrong) > self.ENTRIES:
                self._wrong.popitem(last=False)

    def passed(self, name: str, address: str) -> None:
        with self._guard:
            self._wrong.pop(self._keys(name, address)["pair"], None)


class Gate:
    """`read` gives the users, or raises Retryable; the last known ones go on counting."""

    def __init__(self, settings: Settings, read: Read) -> None:
        self.settings = settings
        self.throttle = Throttle()
        self._read = read
        self._users: dict[str, Login] | None = None
        self._looked = 0.0
        self._ended = Ended(settings.ui_ended_file)
        self._guard = threading.Lock()
        self._hashing = threading.Semaphore(HASHES)
        self._nobody = Login("", "viewer", (), logins.hashed(secrets.token_hex(16)), 0)
        self._secret = secret(settings.ui_secret_file)

    def users(self) -> dict[str, Login] | None:
        """Users by name, at most LOOK seconds old while ClickHouse answers; None before it ever
        did."""
        with self._guard:
            if time.monotonic() - self._looked > LOOK or self._users is None:
                with suppress(Retryable, Permanent, OSError):
                    self._users = self._read()
                self._looked = time.monotonic()
            return self._users

    def person(self, cookies: Mapping[str, str]) -> Person | None:
        """Who a request comes from; None for nobody that is known. Anybody, where there are no
        users and settings let the explorer be open."""
        users = self.users()
        if users is None:
            return None
        if not users and not self.settings.oidc:
            return ANYBODY if self.settings.loopback or self.settings.ui_open else None
        name, mark, session = self._opened(cookies.get(COOKIE, ""))
        login = users.get(name) or self._of_provider(name, mark)
        if login is None or not hmac.compare_digest(mark_of(login), mark) or session in self._ended:
            return None
        return login.person

    def enter(self, name: str, password: str, address: str) -> tuple[str, float]:
        """(a cookie, 0.0) where the password is right, else ("", seconds to wait). A name that is
        not there takes as long as one that is."""
        now = time.monotonic()
        if (left := self.throttle.wait(name, address, now)) > 0:
            return "", left
        login = (self.users() or {}).get(name)
        with self._hashing:
            right = (login or self._nobody).knows(password[: logins.LONGEST + 1])
        if login is None or not right:
            self.throttle.failed(name, address, now)
            return "", self.throttle.wait(name, address, now)
        self.throttle.passed(name, address)
        return self.cookie(login, int(time.time()) + LIFE), 0.0

    def arrive(self, name: str, role: str) -> str:
        """A cookie for somebody whom the OpenID provider let in: the user of that name, else with
        the role that the provider's claim gives; "" for nobody that is known here."""
        login = (self.users() or {}).get(name)
        if login is None and role:
            login = self._of_provider(name, f"{PROVIDER}{role}")
        return self.cookie(login, int(time.time()) + LIFE) if login else ""

    def _of_provider(self, name: str, mark: str) -> Login | None:
        """Who has a role by a claim alone: it stands in the cookie, until that runs out."""
        role = mark.removeprefix(PROVIDER)
        known = self.settings.oidc is not None and self.settings.oidc.role_claim != ""
        if not known or role == mark or role not in logins.ROLES or not name:
            return None
        return Login(name, role, (), mark, 0)

    def cookie(self, login: Login, until: int) -> str:
        name = base64.urlsafe_b64encode(login.name.encode()).decode().rstrip("=")
        return self.signed(f"{name}.{mark_of(login)}.{secrets.token_hex(12)}.{until}")

    def signed(self, said: str) -> str:
        return f"{said}.{self._sign(said)}"

    def unsigned(self, text: str) -> str:
        """What `signed` was given, "" where somebody else signed it."""
        said, _, signature = text.rpartition(".")
        return said if hmac.compare_digest(self._sign(said), signature) else ""

    def leave(self, cookies: Mapping[str, str]) -> None:
        """End a login, so that its cookie opens nothing any more."""
        session = self._opened(cookies.get(COOKIE, ""))[2]
        if session:
            self._ended.add(session, int(time.time()) + LIFE)

    def _sign(self, said: str) -> str:
        return hmac.new(self._secret, said.encode(), hashlib.sha256).hexdigest()

    def _opened(self, cookie: str) -> tuple[str, str, str]:
        """(name, mark, session) of a cookie that we signed and that has not run out, else empty."""
        parts = self.unsigned(cookie).split(".")
        if len(parts) != 4:
            return "", "", ""
        name, mark, session, until = parts
        if int(until) < time.time():
            return "", "", ""
        return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode(), mark, session


def mark_of(login: Login) -> str:
    """Of a user the mark of the password, of somebody by the provider's claim the role."""
    return login.hash if login.hash.startswith(PROVIDER) else login.mark


def secret(path: Path) -> bytes:
    """What signs cookies, made at first use (0600); a new one for this process where the folder
    cannot be written: then a restart ends every login."""
    with suppress(FileNotFoundError):
        found = path.read_text().strip()
        if len(found) >= 32:
            return found.encode()
    text = secrets.token_hex(32)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
    return text.encode()


def stored(settings: Settings) -> Read:
    """A reader of users with a connection of its own."""
    kept = clickhouse.Kept(settings)

    def read() -> dict[str, Login]:
        with kept.store() as store:
            return logins.read(store)

    return read


@cache
def gate() -> Gate:
    """This process's gate: the routes and the pages share it."""
    settings = from_environment()
    return Gate(settings, stored(settings))
