"""One chDB engine per data folder; a connection of its own for every query.

A second query on one chDB connection waits for the first, and opening one takes under a
millisecond, so requests do not share connections.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chdb

# The head of an INSERT whose rows follow as bytes: everything up to and with its FORMAT.
_INSERT = re.compile(
    rb"\s*(insert\s+into\s.*?)\sformat\s+(\w+)[ \t]*;?[ \t]*(?:\r?\n|$)", re.I | re.S
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class EngineError(Exception):
    """ClickHouse refused the query. `code` is ClickHouse's, the text is its message."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = re.search(r"Code: (\d+)", text)
        self.code = int(found.group(1)) if found else 1002


class FolderInUseError(RuntimeError):
    """Another process owns the data folder."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a result in its format, with the counts that go into the summary header."""

    data: bytes
    read_rows: int
    read_bytes: int
    written_rows: int


def memory_limit() -> int:
    """40% of the machine's memory, in bytes."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 0.4)


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
        self._root: Any = chdb.connect(str(folder))
        self._root.query("CREATE DATABASE IF NOT EXISTS assay")

    def run(
        self,
        query: bytes,
        database: str,
        output_format: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> Answer:
        """Run one statement, rows of an INSERT behind its first line. Raises EngineError."""
        upload: Path | None = None
        connection: Any = chdb.connect(str(self._folder))
        try:
            self._prepare(connection, database, settings)
            head = _INSERT.match(query)
            if head and head.group(2).lower() != b"values" and query[head.end() :]:
                upload = self._upload(query[head.end() :])
                insert, shape = head.group(1).decode(), head.group(2).decode()
                text = f"{insert} FROM INFILE '{upload}' FORMAT {shape}"
            else:
                text = query.decode("utf-8")
            result = connection.query(text, output_format, params=dict(parameters) or None)
            return Answer(
                bytes(result.bytes()) if result.size() else b"",
                result.storage_rows_read(), result.storage_bytes_read(), result.rows_written(),
            )  # fmt: skip
        except (RuntimeError, chdb.ChdbError) as error:
            raise EngineError(str(error)) from error
        except UnicodeDecodeError as error:
            raise EngineError("Code: 62. DB::Exception: the query is not UTF-8 text") from error
        finally:
            connection.close()
            if upload is not None:
                upload.unlink(missing_ok=True)

    def _prepare(self, connection: Any, database: str, settings: Mapping[str, str]) -> None:
        if not _NAME.match(database):
            raise EngineError(f"Code: 81. DB::Exception: no database {database!r}")
        connection.query(f"USE {database}")
        wanted = {"async_insert": "0", "max_memory_usage": str(memory_limit()), **settings}
        for name, value in wanted.items():
            if not _NAME.match(name):
                raise EngineError(f"Code: 115. DB::Exception: Unknown setting {name!r}")
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            connection.query(f"SET {name} = '{quoted}'")

    def _upload(self, data: bytes) -> Path:
        handle, name = tempfile.mkstemp(dir=self._uploads)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return Path(name)

    def close(self) -> None:
        """Close the engine and give the folder free."""
        self._root.close()
        self._lock.close()
