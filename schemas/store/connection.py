"""One chDB connection: settings, parameters, tables and statements of one client.

A connection is ClickHouse's session: what a request sets on it stays until it is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from schemas.store.errors import engine_errors, refusal


def quoted(text: str) -> str:
    """A string literal of ClickHouse's SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def named(text: str) -> str:
    """An identifier of ClickHouse's SQL."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Connection:
    """Wraps a chDB connection from its opening to `close`; used by one request at a time."""

    def __init__(self, raw: Any, base: Mapping[str, str]) -> None:
        self._raw = raw
        self._base = dict(base)
        self._changed: set[str] = set()
        self.database = "default"
        self._assign(self._base)

    def query(self, text: str | bytes, shape: str = "TabSeparated") -> Any:
        """Run one statement and return chDB's whole result. Raises EngineError."""
        with engine_errors():
            return self._raw.query(text, shape)

    def stream(self, text: str | bytes, shape: str) -> Iterator[Any]:
        """Run one SELECT; its result in blocks, each formatted by itself. Raises EngineError."""
        with engine_errors():
            stream = self._raw.send_query(text, shape)
            try:
                yield from stream
            finally:
                stream.cancel()

    def kind(self, text: str | bytes) -> str:
        """The engine's own class of a statement, such as READ_ONLY; "" if it does not parse."""
        try:
            report = self._raw._conn.classify_query(text, self.database)
        except RuntimeError:
            return ""
        if report["statement_count"] > 1:
            raise refusal(62, "Multi-statements are not allowed. (SYNTAX_ERROR)")
        return str(getattr(report["query_class"], "name", report["query_class"]))

    def use(self, database: str) -> None:
        """Make a database the current one. Raises EngineError 81 where there is none."""
        if database != self.database:
            self.query(f"USE {named(database)}")
            self.database = database

    def set(self, settings: Mapping[str, str]) -> None:
        """Set settings for this request; `reset` takes them back. Raises EngineError."""
        self._changed.update(settings)
        self._assign(settings)

    def has(self, names: Set[str]) -> bool:
        """True if one of these settings is set, by this request or by its session."""
        return bool(names & (self._changed | self._base.keys()))

    def bind(self, parameters: Mapping[str, str]) -> None:
        """Values of `{name:Type}`, in the Escaped form that ClickHouse reads from a URL."""
        self._assign({f"param_{name}": value for name, value in parameters.items()})

    def reset(self, altered: bool) -> None:
        """Take this request's settings back. `altered`: the statement was a SET, so keep that."""
        if altered:
            found = self.query("SELECT name, value FROM system.settings WHERE changed", "TSV")
            lines = bytes(found.bytes()).decode().splitlines() if found.size() else []
            pairs = dict(line.split("\t", 1) for line in lines)
            pairs.pop("database", None)
            self._base |= {k: v for k, v in pairs.items() if k not in self._changed}
        back = [
            f"{named(name)} = {quoted(self._base[name]) if name in self._base else 'DEFAULT'}"
            for name in sorted(self._changed)
        ]
        self._changed.clear()
        if back:
            self.query("SET " + ", ".join(back))

    def _assign(self, values: Mapping[str, str]) -> None:
        if values:
            pairs = ", ".join(f"{named(name)} = {quoted(value)}" for name, value in values.items())
            self.query(f"SET {pairs}")

    def close(self) -> None:
        """End the session: its temporary tables and settings are gone."""
        self._raw.close()


def current_database(connection: Connection) -> str:
    """The database that unqualified names of this connection are in."""
    result = connection.query("SELECT currentDatabase()", "RawBLOB")
    return bytes(result.bytes()).decode()
