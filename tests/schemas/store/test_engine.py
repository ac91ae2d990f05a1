"""The engine keeps to its limits, and ends with its process."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import httpx

from schemas.settings import from_environment
from schemas.store.engine import memory_limit
from tests.conftest import environment, start_store


def test_memory_is_limited_per_query_and_for_all(http: httpx.Client) -> None:
    limits = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    assert http.post("/", content=limits).text == f"{memory_limit()}\n"
    one = "SELECT getSetting('max_memory_usage')"
    assert http.post("/", content=one).text == f"{memory_limit() // 2}\n"
    greedy = http.post(
        "/", params={"max_memory_usage": "10000000"},
        content="SELECT groupArray(number) FROM numbers(10000000)",
    )  # fmt: skip
    assert greedy.headers["x-clickhouse-exception-code"] == "241"


def test_the_engine_keeps_no_log_tables(http: httpx.Client) -> None:
    logs = (
        "SELECT count() FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'"
    )
    assert http.post("/", content=logs).text == "0\n"


def test_kill_query_finds_the_clients_own_id(http: httpx.Client) -> None:
    found: list[str] = []

    def endless() -> None:
        query = "SELECT count() FROM system.numbers_mt WHERE NOT ignore(sipHash64(number))"
        found.append(http.post("/", params={"query_id": "mine"}, content=query).text)

    thread = threading.Thread(target=endless)
    thread.start()
    while not http.post("/", content="KILL QUERY WHERE query_id = 'mine' SYNC").text:
        time.sleep(0.05)
    thread.join(10)
    assert "QUERY_WAS_CANCELLED" in found[0]


def test_a_store_with_a_running_query_still_ends(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    child = start_store(environ, tmp_path)
    settings = from_environment(environ)
    address = f"http://127.0.0.1:{settings.store_port}/"
    auth = ("assay", settings.password_file.read_text())

    def endless() -> None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(
                address, auth=auth, content="SELECT sum(number) FROM system.numbers", timeout=60
            )

    thread = threading.Thread(target=endless)
    thread.start()
    time.sleep(0.5)
    child.terminate()
    assert child.wait(30) == 0
    thread.join(10)
