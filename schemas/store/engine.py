"""One chDB engine per data folder; a connection of its own for every request or session.

A second query on one chDB connection waits for the first, and opening one takes under a
millisecond, so requests do not share connections.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chdb

from schemas.store.connection import Connection, quoted
from schemas.store.errors import EngineError

_STOPPING = 5.0  # seconds that statements get to end once the store closes


class FolderInUseError(RuntimeError):
    """Another process owns the data folder."""


def memory_limit() -> int:
    """40% of the machine's memory, in bytes: what all queries together may use."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 0.4)


def _defaults(limit: int) -> dict[str, str]:
    """Settings of every connection: the server's defaults where chDB has others, and limits.

    One query may use half of what all may; sorts and groups over half of that go to disk.
    """
    return {
        "async_insert": "0",
        "implicit_select": "0",
        "max_memory_usage": str(limit // 2),
        "max_bytes_before_external_group_by": str(limit // 4),
        "max_bytes_before_external_sort": str(limit // 4),
    }


class Engine:
    """Owns the folder from construction to `close`; a lock file keeps a second process out."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = (folder.parent / "store.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FolderInUseError(
                f"{folder} is in use by another `assay store`; stop it or set ASSAY_HOME"
            ) from error
        self._uploads = folder.parent / "uploads"
        self._uploads.mkdir(exist_ok=True)
        for left in self._uploads.iterdir():
            left.unlink()
        limit = memory_limit()
        self._defaults = _defaults(limit)
        # The first connection starts the engine; server settings are read from its address only.
        self._root: Any = chdb.connect(f"{folder}?max_server_memory_usage={limit}")
        self._root.query("CREATE DATABASE IF NOT EXISTS assay")
        about = self._root.query("SELECT timezone() || '\t' || hostName()", "RawBLOB")
        self.timezone, self.host = bytes(about.bytes()).decode().split("\t")

    def connect(self) -> Connection:
        """A connection of its own, with the store's defaults."""
        return Connection(chdb.connect(str(self._folder)), self._defaults)

    def cancel_reading(self, query_id: str) -> None:
        """Stop the SELECTs of a client that went away; a write runs to its end."""
        connection = self.connect()
        try:
            connection.query(
                f"KILL QUERY WHERE Settings['log_comment'] = {quoted(query_id)}"
                " AND query_kind = 'Select' ASYNC"
            )
        finally:
            connection.close()

    @contextmanager
    def scratch(self, data: memoryview | bytes = b"") -> Iterator[Path]:
        """A file with these bytes that the engine can read and write, while the context lasts."""
        handle, name = tempfile.mkstemp(dir=self._uploads)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def spool(self) -> tempfile.SpooledTemporaryFile[bytes]:
        """A place for a result that is sent only when it is whole: memory, then disk."""
        return tempfile.SpooledTemporaryFile(max_size=32 * 2**20, dir=str(self._uploads))

    def close(self) -> None:
        """Stop what still runs, close the engine and give the folder free."""
        deadline = time.monotonic() + _STOPPING
        others = "query_id != queryID()"
        while time.monotonic() < deadline:
            self._root.query(f"KILL QUERY WHERE {others} ASYNC")
            left = self._root.query(f"SELECT count() FROM system.processes WHERE {others}", "TSV")
            if bytes(left.bytes()) == b"0\n":
                break
            time.sleep(0.1)
        self._root.close()
        self._lock.close()


__all__ = ["Engine", "EngineError", "FolderInUseError", "memory_limit"]
