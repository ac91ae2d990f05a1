"""One call and what its answer says of it: what the modules of the store pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Formats of which two outputs in a row are one output, so that blocks can be sent as they come.
_ADDITIVE = frozenset(
    {"native", "rowbinary", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "raw", "csv"}
    | {"jsoneachrow", "jsonlines", "ndjson", "jsoncompacteachrow", "jsonstringseachrow", "tskv"}
)


@dataclass(frozen=True, slots=True)
class External:
    """A table that comes with a query (ClickHouse docs, "External Data for Query Processing")."""

    name: str
    structure: str
    shape: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One statement as a client sent it. `database` and `session` are "" where none is named.

    `project` is whose rows alone it may read, None for the full user.
    """

    query: bytes
    query_id: str
    database: str
    shape: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    external: tuple[External, ...] = ()
    reads_only: bool = False
    session: str = ""
    session_timeout: float = 60.0
    session_check: bool = False
    project: str | None = None


@dataclass(slots=True)
class Progress:
    """What the answer's headers say. It grows while the result is read.

    `shape` "" is no result; counts in `hidden` are kept from the client.
    """

    shape: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def add(self, result: Any) -> None:
        """Add chDB's counts of one result or block."""
        found = {
            "read_rows": result.storage_rows_read(),
            "read_bytes": result.storage_bytes_read(),
            "written_rows": result.rows_written(),
            "written_bytes": result.bytes_written(),
            "result_rows": result.rows_read(),
            "result_bytes": result.size(),
            "elapsed_ns": int(result.elapsed() * 1e9),
        }
        for name in found.keys() - self.hidden:
            value = found[name]
            self.counts[name] = self.counts.get(name, 0) + value


def additive(shape: str) -> bool:
    """True for a format in which results can be sent block by block."""
    return shape.lower() in _ADDITIVE
