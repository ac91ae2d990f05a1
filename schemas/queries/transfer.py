"""Tables in pieces, as bytes: for backups, and for moves between servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.clickhouse import Store
from schemas.queries.scope import across_projects

# The column that a large table is cut along. Tables of control and findings go in one piece.
TIMES = {
    "spans": "start_time", "span_texts": "start_time", "trace_times": "first", "logs": "time",
    "metrics": "time", "scores": "span_start", "embeddings": "span_start",
}  # fmt: skip
PIECE = 40_000  # rows that a piece is meant to have: some hundred MB of texts at most
FORMAT = "Native"


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a table with its time in [start, end), ns; all rows where `end` is 0."""

    table: str
    start: int
    end: int
    rows: int

    @property
    def name(self) -> str:
        return f"{self.table}-{self.start}"


@across_projects("a backup holds everything")
def tables(store: Store) -> list[str]:
    """Tables that hold data, `segments` first: what it names is whole in what is read later. Sums
    by the hour are made anew."""
    rows = store.rows(
        """
        SELECT name FROM system.tables
        WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
          AND name != 'schema_migrations' AND NOT endsWith(name, '_hours')
          AND NOT endsWith(name, '_blocks')
        ORDER BY name != 'segments', name
        """
    )
    return [row["name"] for row in rows]


@across_projects("a backup holds everything")
def columns(store: Store, table: str) -> list[str]:
    """Columns that an INSERT can fill."""
    rows = store.rows(
        """
        SELECT name FROM system.columns WHERE database = currentDatabase()
          AND table = {table:String} AND default_kind NOT IN ('ALIAS', 'MATERIALIZED')
        ORDER BY position
        """,
        table=table,
    )
    return [row["name"] for row in rows]


@across_projects("a backup holds everything")
def pieces(store: Store, table: str) -> Iterator[Piece]:
    """A table cut into pieces, oldest first."""
    time = TIMES.get(table)
    if time is None:
        (row,) = store.rows(f"SELECT count() AS n FROM {table}")
        yield Piece(table, 0, 0, int(row["n"]))
        return
    minutes = store.rows(
        f"""
        SELECT toUnixTimestamp(toStartOfMinute({time})) AS minute, count() AS n FROM {table}
        GROUP BY minute ORDER BY minute
        """
    )
    start, rows = 0, 0
    for row in minutes:
        at = int(row["minute"]) * 10**9
        if rows and rows + int(row["n"]) > PIECE:
            yield Piece(table, start, at, rows)
            rows = 0
        start, rows = start if rows else at, rows + int(row["n"])
    if rows:
        yield Piece(table, start, (int(minutes[-1]["minute"]) + 60) * 10**9, rows)


@across_projects("a backup holds everything")
def read(store: Store, piece: Piece) -> bytes:
    """A piece in ClickHouse's Native format."""
    names = ", ".join(columns(store, piece.table))
    where = ""
    if piece.end:
        time = TIMES[piece.table]
        where = f"""WHERE {time} >= fromUnixTimestamp64Nano({{start:Int64}})
            AND {time} < fromUnixTimestamp64Nano({{end:Int64}})"""
    sql = f"SELECT {names} FROM {piece.table} {where}"
    return store.read_bytes(sql, FORMAT, start=piece.start, end=piece.end)


@across_projects("a backup holds everything")
def write(store: Store, table: str, names: list[str], data: bytes, token: str) -> None:
    """Add a piece. The same token adds it at most once."""
    store.insert_bytes(table, names, data, FORMAT, token)


@across_projects("a backup holds everything")
def holds_data(store: Store) -> bool:
    """True where any span is stored."""
    return bool(store.rows("SELECT 1 AS one FROM spans LIMIT 1"))


@across_projects("a backup holds everything")
def distinct_spans(store: Store) -> dict[str, int]:
    """Distinct spans by project."""
    rows = store.rows(
        "SELECT toString(project) AS project, count() AS n FROM spans FINAL GROUP BY project"
    )
    return {row["project"]: int(row["n"]) for row in rows}
