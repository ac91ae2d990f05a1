"""Rows, parameters and tables reach the engine exactly, however the client sends them."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture
def table(http: httpx.Client) -> Iterator[str]:
    http.post("/", content="CREATE TABLE rows (n UInt64, s String) ENGINE = Memory")
    yield "SELECT n, s FROM rows ORDER BY n"
    http.post("/", content="DROP TABLE rows")


def test_rows_come_behind_the_text_or_in_the_body(http: httpx.Client, table: str) -> None:
    http.post("/", content=b'INSERT INTO rows FORMAT JSONEachRow {"n": 1, "s": "\xc3\xa9"}')
    http.post("/", params={"query": "INSERT INTO rows VALUES"}, content=b"(2, 'b'); -- two")
    http.post("/", params={"query": "INSERT INTO rows FORMAT CSV"}, content=b"3,c\n")
    http.post("/", content=b"INSERT INTO rows SELECT a, 'd' FROM input('a UInt64') FORMAT TSV\n4\n")
    packed = gzip.compress(b"INSERT INTO rows FORMAT TSV\n5\te\n")
    done = http.post("/", content=packed, headers={"content-encoding": "gzip"})
    assert '"written_rows":"1"' in done.headers["x-clickhouse-summary"]
    assert http.post("/", content=table).text == "1\té\n2\tb\n3\tc\n4\td\n5\te\n"


def test_broken_rows_are_refused_with_the_engines_code(http: httpx.Client, table: str) -> None:
    answer = http.post("/", content=b"INSERT INTO rows FORMAT TSV\nnot a number\tx\n")
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (400, "27")
    assert answer.text.startswith("Code: 27.")
    assert http.post("/", content=table).text == ""


def test_a_repeated_token_adds_nothing(http: httpx.Client) -> None:
    http.post(
        "/",
        content="CREATE OR REPLACE TABLE once (n UInt64) ENGINE = MergeTree ORDER BY n"
        " SETTINGS non_replicated_deduplication_window = 100",
    )
    blocks = b"".join(
        http.post("/", content=f"SELECT number + {k} AS n FROM numbers(3) FORMAT Native").content
        for k in (0, 10, 20)
    )
    for _ in range(2):
        http.post(
            "/", params={"insert_deduplication_token": "t"},
            content=b"INSERT INTO once FORMAT Native\n" + blocks,
        )  # fmt: skip
    parts = "SELECT count(), sum(rows) FROM system.parts WHERE table = 'once' AND active"
    assert http.post("/", content=parts).text == "1\t9\n"


def test_parameters_are_read_as_clickhouse_reads_them(http: httpx.Client) -> None:
    given = {"a": "[1,2]", "s": "tab\\tand 'quote'", "n": "\\N", "x$": "5"}
    answer = http.post(
        "/",
        params={f"param_{name}": value for name, value in given.items()},
        content="SELECT {a:Array(UInt8)}[2], {s:String} = 'tab\\tand \\'quote\\'',"
        " {n:Nullable(String)} IS NULL, {x$:UInt8}",
    )  # fmt: skip
    assert answer.text == "2\t1\t1\t5\n"


def test_tables_that_come_with_a_query(http: httpx.Client) -> None:
    answer = http.post(
        "/",
        params={
            "query": "SELECT name, _2 FROM people JOIN ages ON people.name = ages._1",
            "people_structure": "name String", "people_format": "CSV",
            "ages_types": "String,UInt8", "param_unused": "1",
        },
        files={"people": ("p.csv", b"ann\r\nbob\r\n"), "ages": ("a.tsv", b"bob\t7\n")},
    )  # fmt: skip
    assert answer.text == "bob\t7\n"
    assert "UNKNOWN_TABLE" in http.post("/", content="SELECT * FROM people").text


def test_a_form_carries_query_and_parameters(http: httpx.Client) -> None:
    form = {"query": (None, "SELECT {a:UInt8} + 1"), "param_a": (None, "41")}
    assert http.post("/", files=form).text == "42\n"


def test_an_id_runs_once_at_a_time(http: httpx.Client) -> None:
    asks = {"params": {"query_id": "x"}, "content": "SELECT sleep(1)"}
    slow = threading.Thread(target=http.post, args=("/",), kwargs=asks)
    slow.start()
    time.sleep(0.4)
    again = http.post("/", params={"query_id": "x"}, content="SELECT 1")
    assert again.headers["x-clickhouse-exception-code"] == "216"
    slow.join()
    assert http.post("/", params={"query_id": "x"}, content="SELECT 1").text == "1\n"


@pytest.mark.parametrize(
    ("query", "params", "code", "status"),
    [
        ("SELECT 1; SELECT 2", {}, "62", 400),
        ("SELECT 1 INTO OUTFILE 'x'", {}, "358", 500),
        ("SELECT 1", {"no_such_setting": "1"}, "115", 404),
        ("SELECT 1", {"database": "no`where"}, "81", 404),
        ("SELECT 1", {"role": "admin"}, "511", 404),
        ("SELECT 1", {"compress": "1"}, "48", 501),
        ("SELECT 1 FORMAT Nothing", {}, "73", 404),
        ("CREATE TABLE x (a Int8) ENGINE = Memory", {"readonly": "1"}, "164", 500),
    ],
)
def test_what_cannot_be_served_says_so(
    http: httpx.Client, query: str, params: dict[str, str], code: str, status: int
) -> None:
    answer = http.post("/", params=params, content=query)
    assert (answer.headers["x-clickhouse-exception-code"], answer.status_code) == (code, status)
