"""Logins that were ended by logging out, kept in a file so that they stay so after a restart."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

LOOK = 3.0  # seconds between two looks whether another explorer has written to the file


class Ended:
    """Ids of sessions until when they would have lasted (s since 1970). Several processes may share
    the file; where it cannot be written, this process alone remembers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, int] = {}
        self._read = (0, 0)  # (mtime in ns, size) of what was read
        self._looked = 0.0
        self._guard = threading.Lock()

    def add(self, session: str, until: int) -> None:
        """Add one, on disk before this returns."""
        with self._guard:
            self._kept[session] = until
            with suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
                try:
                    os.write(file, f"{session} {until}\n".encode())
                    os.fsync(file)
                finally:
                    os.close(file)

    def __contains__(self, session: str) -> bool:
        with self._guard:
            if time.monotonic() - self._looked > LOOK or not self._looked:
                self._looked = time.monotonic()
                with suppress(OSError):
                    self._look()
            return session in self._kept

    def _look(self) -> None:
        found = self._path.stat()
        mark = (found.st_mtime_ns, found.st_size)
        if mark == self._read:
            return
        self._read = mark
        now = time.time()
        for line in self._path.read_text().splitlines():
            session, _, until = line.partition(" ")
            if until.isdecimal() and int(until) > now:
                self._kept[session] = int(until)
