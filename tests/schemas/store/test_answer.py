"""Rows go out as the engine makes them, with ClickHouse's headers; a part is never the whole."""

from __future__ import annotations

import contextlib
import json
import time
import uuid

import httpx
import pytest

ENDLESS = "SELECT count() FROM system.numbers_mt WHERE NOT ignore(sipHash64(number))"
RUNNING = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = '{}'"


def test_rows_arrive_before_the_query_ends(http: httpx.Client) -> None:
    slow = "SELECT sleepEachRow(0.2), number FROM numbers(6) SETTINGS max_block_size = 1"
    begin = time.monotonic()
    with http.stream("POST", "/", content=slow) as answer:
        pieces = [(time.monotonic() - begin, piece) for piece in answer.iter_raw()]
    assert pieces[0][0] < 0.8 < 1.1 < pieces[-1][0]
    assert b"".join(piece for _, piece in pieces).count(b"\n") == 6


def test_wait_end_of_query_sends_the_status_of_the_whole(http: httpx.Client) -> None:
    fails = (
        "SELECT sleepEachRow(0.1), throwIf(number = 4) FROM numbers(9) SETTINGS max_block_size = 1"
    )
    answer = http.post("/", params={"wait_end_of_query": "1"}, content=fails)
    assert answer.status_code == 500
    assert answer.headers["x-clickhouse-exception-code"] == "395"
    many = "SELECT number FROM numbers(10000000)"
    answer = http.post("/", params={"wait_end_of_query": "1"}, content=many)
    assert len(answer.content) == 78_888_890


def test_an_exception_behind_rows_is_marked_and_breaks_the_answer_off(http: httpx.Client) -> None:
    body = b""
    fails = "SELECT throwIf(number = 3000000) FROM numbers(4000000)"
    with http.stream("POST", "/", content=fails) as answer:
        tag = answer.headers["x-clickhouse-exception-tag"].encode()
        with pytest.raises(httpx.RemoteProtocolError):
            for piece in answer.iter_raw():
                body += piece
    head, mark, tail = body.partition(b"\r\n__exception__\r\n" + tag + b"\r\n")
    assert answer.status_code == 200 and head.startswith(b"0\n0\n") and mark
    assert b"FUNCTION_THROW_IF_VALUE_IS_NON_ZERO" in tail
    assert tail.endswith(b" " + tag + b"\r\n__exception__\r\n")


def test_a_closed_client_connection_stops_its_query(http: httpx.Client) -> None:
    name = str(uuid.uuid4())
    with contextlib.suppress(httpx.ReadTimeout):
        http.post("/", params={"query_id": name}, content=ENDLESS, timeout=0.5)
    deadline = time.monotonic() + 10
    while http.post("/", content=RUNNING.format(name)).text != "0\n":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_headers_tell_what_the_answer_is(http: httpx.Client) -> None:
    query = "SELECT number FROM numbers(1000) WHERE number % 2 FORMAT JSONEachRow"
    answer = http.post("/", params={"query_id": "a name"}, content=query)
    summary = json.loads(answer.headers["x-clickhouse-summary"])
    assert (summary["read_rows"], summary["result_rows"]) == ("1000", "500")
    assert answer.headers["x-clickhouse-query-id"] == "a name"
    assert answer.headers["x-clickhouse-format"] == "JSONEachRow"
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["x-clickhouse-timezone"]
    nothing = http.post("/", content="DROP TABLE IF EXISTS nowhere")
    assert "x-clickhouse-format" not in nothing.headers and nothing.content == b""


@pytest.mark.parametrize(
    "form", ["JSON", "CSVWithNames", "Parquet", "TSV", "Native", "ArrowStream"]
)
def test_every_format_is_one_document(http: httpx.Client, form: str) -> None:
    parts = {"max_block_size": "10"}
    rows = http.post("/", params=parts, content=f"SELECT number FROM numbers(95) FORMAT {form}")
    http.post("/", content="CREATE OR REPLACE TABLE whole (number UInt64) ENGINE = Memory")
    head = f"INSERT INTO whole FORMAT {form}\n".encode()
    if form != "JSON":
        assert http.post("/", content=head + rows.content).status_code == 200
        assert http.post("/", content="SELECT count(), sum(number) FROM whole").text == "95\t4465\n"
    else:
        assert rows.json()["rows"] == 95


def test_totals_and_extremes_are_not_lost(http: httpx.Client) -> None:
    totals = "SELECT number % 2 AS a, count() FROM numbers(10) GROUP BY a WITH TOTALS"
    assert http.post("/", content=totals).text.endswith("\n\n0\t10\n")
    extremes = http.post("/", params={"extremes": "1"}, content="SELECT number FROM numbers(3)")
    assert extremes.text == "0\n1\n2\n\n0\n2\n"
