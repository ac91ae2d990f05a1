"""A statement's verb, FORMAT and rows are found wherever SQL lets them stand."""

from __future__ import annotations

import pytest

from schemas.store.statement import into_file, killing, parse, reading


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        (b"SELECT 1", ""),
        (b"SELECT format FROM t FORMAT JSON;", "JSON"),
        (b"SELECT 1 AS format", ""),
        (b"SELECT ' FORMAT x' -- FORMAT y\n format TSV settings max_threads=1", "TSV"),
        (b"SELECT $$ FORMAT a $$ FORMAT CSV", "CSV"),
        (b"(SELECT 1) UNION ALL (SELECT 2) FORMAT Native", "Native"),
        (b"/* hi */ SHOW TABLES FORMAT JSON", "JSON"),
        (b"SELECT (SELECT 1 AS format)", ""),
    ],
)
def test_the_format_is_the_one_that_ends_the_statement(query: bytes, shape: str) -> None:
    found = parse(query)
    assert (found.shape, found.rows, found.head) == (shape, -1, query)


@pytest.mark.parametrize(
    ("query", "head", "shape", "rows"),
    [
        (b"INSERT INTO t (a, values) VALUES (1)", b"INSERT INTO t (a, values) ", "Values", b" (1)"),
        (b"insert into t format CSV\n1,FORMAT x\n", b"insert into t ", "CSV", b"1,FORMAT x\n"),
        (b"INSERT INTO a.format FORMAT TSV 5\n", b"INSERT INTO a.format ", "TSV", b"5\n"),
        (b"INSERT INTO t FORMAT Values (1)", b"INSERT INTO t ", "Values", b"(1)"),
        (b"INSERT INTO t FORMAT Native;\r\n\xff'", b"INSERT INTO t ", "Native", b"\xff'"),
        (
            b"WITH {x:Int8} AS v INSERT INTO t FORMAT TSV\nv;\n",
            b"WITH {x:Int8} AS v INSERT INTO t ", "TSV", b"v;\n",
        ),
        (
            b"INSERT INTO t SELECT a FROM input('a Int8') FORMAT TSV\n5\n",
            b"INSERT INTO t SELECT a FROM input('a Int8') ", "TSV", b"5\n",
        ),
    ],
)  # fmt: skip
def test_rows_begin_behind_values_or_the_format(
    query: bytes, head: bytes, shape: str, rows: bytes
) -> None:
    found = parse(query)
    assert (found.verb, found.head, found.shape) == ("INSERT", head, shape)
    assert query[found.rows :] == rows


@pytest.mark.parametrize(
    "query",
    [
        b"INSERT INTO t SELECT format, b FROM x",
        b"WITH insert AS (SELECT 13 AS n) SELECT * FROM insert",
        b"WITH 13 AS insert SELECT insert",
        b"SELECT ' INSERT INTO t VALUES '",
    ],
)
def test_a_statement_without_rows_has_none(query: bytes) -> None:
    assert parse(query).rows == -1


def test_input_reads_a_file_and_kill_finds_the_clients_id() -> None:
    head = b"INSERT INTO t SELECT a FROM input('a Int8') "
    assert reading(head, "/x", "TSV") == b"INSERT INTO t SELECT a FROM file('/x', 'TSV', 'a Int8') "
    assert killing(b"KILL QUERY WHERE query_id = 'x'").endswith(b"Settings['log_comment'] = 'x'")


@pytest.mark.parametrize(
    ("query", "written"),
    [
        (b"SELECT 1; -- end", b"SELECT 1 INTO OUTFILE '/x' TRUNCATE FORMAT JSON"),
        (
            b"SELECT 1 FORMAT CSV SETTINGS a = 1",
            b"SELECT 1  INTO OUTFILE '/x' TRUNCATE FORMAT CSV SETTINGS a = 1",
        ),
    ],
)
def test_a_result_is_written_to_a_file(query: bytes, written: bytes) -> None:
    assert into_file(parse(query), "/x", "JSON") == written
