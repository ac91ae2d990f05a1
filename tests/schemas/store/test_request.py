"""Bodies arrive byte by byte as they were sent, in every shape that a client may use."""

from __future__ import annotations

import httpx
import pytest


def test_a_part_may_hold_any_bytes(http: httpx.Client) -> None:
    data = b"\r\n--x\r\n\r\n\x00\xff'\"\r\n"
    answer = http.post(
        "/",
        params={
            "query": "SELECT hex(b) FROM part", "part_structure": "b String",
            "part_format": "RawBLOB",
        },
        files={"part": ("b.bin", data)},
    )  # fmt: skip
    assert answer.text.strip() == data.hex().upper()


def test_a_string_in_sql_may_hold_any_bytes(http: httpx.Client) -> None:
    answer = http.post("/", content=b"SELECT hex('\xff\xfe') FORMAT TSV")
    assert answer.text == "FFFE\n"


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"content-encoding": "br"}, b"x", "354"),
        ({"content-encoding": "gzip"}, b"not gzip", "354"),
        ({"content-type": "multipart/form-data"}, b"x", "36"),
    ],
)
def test_a_broken_body_is_refused(
    http: httpx.Client, headers: dict[str, str], body: bytes, code: str
) -> None:
    answer = http.post("/", headers=headers, content=body)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (400, code)


def test_the_body_may_come_in_chunks(http: httpx.Client) -> None:
    pieces = iter([b"SELECT ", b"count() FROM ", b"numbers(5)"])
    assert http.post("/", content=pieces).text == "5\n"
