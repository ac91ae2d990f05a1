"""An INSERT that the engine refuses is an error, whatever refused it, and adds nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable


@dataclass(frozen=True, slots=True)
class Row:
    x: int
    name: str


GOOD = [Row(1, "a"), Row(2, "b")]
BAD = [Row(3, "c"), Row(4, "poison")]


@pytest.fixture
def table(store: Store) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    store.command(f"CREATE TABLE {name} (x UInt32, name String) ENGINE = MergeTree ORDER BY x")
    yield name
    store.command(f"DROP TABLE {name}")


def _count(store: Store, table: str) -> int:
    return int(store.rows(f"SELECT count() AS n FROM {table}")[0]["n"])


@pytest.mark.parametrize("clause", ["", " SETTINGS max_insert_threads = 1"])
def test_rows_behind_an_insert_are_added(store: Store, table: str, clause: str) -> None:
    store.command(f"INSERT INTO {table} (x, name){clause} FORMAT TSV\n1\ta\n2\tb\n")
    store.command(f"INSERT INTO {table}{clause} VALUES (3, 'it''s'), (4, upper('d'))")
    assert [r["name"] for r in store.rows(f"SELECT name FROM {table} ORDER BY x")] == [
        "a", "b", "it's", "D",
    ]  # fmt: skip


def test_a_constraint_refuses_rows_with_an_error(store: Store, table: str) -> None:
    store.command(f"ALTER TABLE {table} ADD CONSTRAINT c CHECK name != 'poison'")
    store.insert(table, GOOD)
    with pytest.raises((Permanent, Retryable), match=r"469|VIOLATED_CONSTRAINT"):
        store.insert(table, BAD)
    assert _count(store, table) == 2


def test_a_view_that_fails_is_an_error(store: Store, table: str) -> None:
    store.command(f"CREATE TABLE {table}_in (x UInt32, name String) ENGINE = Null")
    store.command(
        f"CREATE MATERIALIZED VIEW {table}_mv TO {table} AS"
        f" SELECT throwIf(name = 'poison', 'no luck') + x AS x, name FROM {table}_in"
    )
    store.insert(f"{table}_in", GOOD)
    with pytest.raises((Permanent, Retryable), match="no luck"):
        store.insert(f"{table}_in", BAD)
    assert _count(store, table) == 2
    store.command(f"DROP TABLE {table}_mv")
    store.command(f"DROP TABLE {table}_in")


def test_a_cut_off_body_is_an_error(store: Store, table: str) -> None:
    with pytest.raises((Permanent, Retryable)):
        store.command(f"INSERT INTO {table} FORMAT RowBinary\n\x01\x00")
    assert _count(store, table) == 0
