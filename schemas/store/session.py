"""Sessions: connections that live from one request to the next under a client's id.

A session has one request at a time and ends after `timeout` seconds without one (ClickHouse
docs, "HTTP Interface": session_id, session_timeout, session_check).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemas.store.connection import Connection
from schemas.store.engine import Engine
from schemas.store.errors import refusal

MAX_TIMEOUT = 3600.0
MAX_SESSIONS = 1000


class Session:
    """A connection with the lock that its requests take and the moment it ends."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.database = "default"
        self.lock = threading.Lock()
        self.expires = 0.0


class Sessions:
    """The open sessions by id. Ended ones are closed when the next request comes by."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: dict[str, Session] = {}
        self._guard = threading.Lock()

    @contextmanager
    def held(self, name: str, timeout: float, check: bool) -> Iterator[Session]:
        """The session `name`, for this request alone; a new one if there is none.

        Raises EngineError 372 (`check` and no such session) and 373 (in use).
        """
        if not 0 < timeout <= MAX_TIMEOUT:
            raise refusal(374, f"Session timeout is over {MAX_TIMEOUT:.0f} s or not positive")
        session = self._take(name, check)
        try:
            yield session
        finally:
            session.expires = time.monotonic() + timeout
            session.lock.release()

    def _take(self, name: str, check: bool) -> Session:
        with self._guard:
            self.sweep()
            session = self._open.get(name)
            if session is None:
                if check:
                    raise refusal(372, f"Session {name} not found. (SESSION_NOT_FOUND)")
                if len(self._open) >= MAX_SESSIONS:
                    raise refusal(202, f"Over {MAX_SESSIONS} sessions are open")
                session = self._open[name] = Session(self._engine.connect())
            if not session.lock.acquire(blocking=False):
                raise refusal(
                    373, f"Session {name} is locked by a concurrent client. (SESSION_IS_LOCKED)"
                )
            return session

    def sweep(self) -> None:
        """Close sessions whose time is over."""
        now = time.monotonic()
        for name, session in list(self._open.items()):
            if session.expires and session.expires < now and session.lock.acquire(blocking=False):
                session.connection.close()
                del self._open[name]

    def drop(self, session: Session) -> None:
        """End a session that could not be brought back to its own settings."""
        with self._guard, suppress(StopIteration):
            name = next(n for n, s in self._open.items() if s is session)
            del self._open[name]
        session.connection.close()
