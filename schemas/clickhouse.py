"""The only door to ClickHouse: parameters in, dictionaries or rows out, errors as two kinds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver import options
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.errors import Permanent, Retryable
from schemas.settings import Settings

# Codes by which ClickHouse says that it can never take this statement or row; others may pass.
# A missing column (16, 20) is the fault of no row: after a migration the same rows are stored.
PERMANENT_CODES = frozenset({6, 27, 33, 38, 41, 53, 62, 69, 70, 72, 117, 131, 321, 349, 469})

INSERT_SETTINGS = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_partitions_per_insert_block": 0,
}


def url(settings: Settings) -> str:
    """The ClickHouse URL: the configured one, or the embedded store's with its password file."""
    if not settings.embedded:
        return settings.clickhouse_url
    password = settings.password_file.read_text().strip() if settings.password_file.exists() else ""
    return f"http://assay:{password}@127.0.0.1:{settings.store_port}/assay"


def error_code(error: BaseException) -> int:
    """The ClickHouse code in an exception's text, 0 where there is none."""
    text = str(error)
    start = text.find("Code: ")
    digits = "" if start < 0 else text[start + 6 : start + 12].split(".")[0].split(" ")[0]
    return int(digits) if digits.isdigit() else int(getattr(error, "code", 0) or 0)


class Store:
    """A connection to ClickHouse over HTTP; one per thread."""

    def __init__(self, dsn: str, compress: bool = True) -> None:
        try:
            self._client: Any = clickhouse_connect.get_client(
                dsn=dsn,
                compress=compress,
                autogenerate_session_id=False,
                connect_timeout=5,
                send_receive_timeout=300,
            )
        except (ClickHouseError, OSError) as error:
            raise Retryable(f"ClickHouse does not answer: {error}") from error

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run one SELECT with `{name:Type}` parameters; each row as a dictionary."""
        return self.rows_as(sql, parameters, {})

    def rows_as(
        self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """`rows` under settings of its own, such as the `query_id` by which `kill` finds it."""
        try:
            result = self._client.query(sql, parameters=parameters, settings=dict(settings))
        except (ClickHouseError, OSError) as error:
            raise _typed(error) from error
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def kill(self, query_id: str) -> None:
        """Ask for the end of a running query; one that has ended already is no error."""
        self.command("KILL QUERY WHERE query_id = {id:String} ASYNC", id=query_id)

    def ping(self) -> None:
        """Raises Retryable while ClickHouse does not answer."""
        self.rows("SELECT 1")

    def command(self, sql: str, **parameters: Any) -> None:
        """Run a statement that returns no rows."""
        try:
            self._client.command(sql, parameters=parameters or None)
        except (ClickHouseError, OSError) as error:
            raise _typed(error) from error

    def insert(self, table: str, rows: Sequence[Any], token: str = "") -> None:
        """Insert dataclass rows as one block. The same token adds its rows at most once."""
        if not rows:
            return
        names = [f.name for f in dataclasses.fields(rows[0])]
        columns = [[getattr(row, name) for row in rows] for name in names]
        try:
            self._client.insert(
                table, columns, column_names=names, column_oriented=True, settings=_once(token)
            )
        except (ClickHouseError, OSError) as error:
            raise _typed(error) from error

    def read_bytes(self, sql: str, shape: str, **parameters: Any) -> bytes:
        """Run one SELECT; its result in a format of ClickHouse's."""
        try:
            return bytes(self._client.raw_query(sql, parameters=parameters, fmt=shape))
        except (ClickHouseError, OSError) as error:
            raise _typed(error) from error

    def insert_bytes(
        self, table: str, names: Sequence[str], data: bytes, shape: str, token: str
    ) -> None:
        """Insert rows in a format of ClickHouse's. The same token adds them at most once."""
        try:
            self._client.raw_insert(
                table, column_names=list(names), insert_block=data, fmt=shape,
                settings={k: str(v) for k, v in _once(token).items()},
            )  # fmt: skip
        except (ClickHouseError, OSError) as error:
            raise _typed(error) from error

    def close(self) -> None:
        self._client.close()


def _once(token: str) -> Mapping[str, Any]:
    """The settings of every INSERT, with its deduplication token where it has one."""
    return {**INSERT_SETTINGS, "insert_deduplication_token": token} if token else INSERT_SETTINGS


def _typed(error: BaseException) -> Retryable | Permanent:
    code = error_code(error)
    text = f"ClickHouse: {str(error)[:500]}"
    return Permanent(text) if code in PERMANENT_CODES else Retryable(text)


def connect(settings: Settings) -> Store:
    """Open a connection with the settings' URL. Raises Retryable while ClickHouse is away."""
    # The embedded store is on this machine, where packing costs more than sending.
    return Store(url(settings), compress=not settings.embedded)


def without_frames() -> None:
    """Spare this process pandas, which the driver else imports at the first INSERT, only to ask
    whether the rows are a DataFrame: 70 MB for good and half a second of a processor. For a
    process of our own, in which nobody else uses the driver."""
    for name in ("pd", "pd_time_test"):
        vars(options).setdefault(name, None)


class Kept:
    """A connection that is kept from one use to the next: opening one costs several queries, which
    a process that looks every few seconds would spend all day on. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The connection; after any error within the block the next use opens another. Raises
        Retryable while ClickHouse is away."""
        if self._store is None:
            self._store = connect(self._settings)
        try:
            yield self._store
        except BaseException:
            self._store.close()
            self._store = None
            raise
