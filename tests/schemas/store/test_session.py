"""A session keeps tables, settings and database from one request to the next; nothing else does."""

from __future__ import annotations

import threading
import time
import uuid

import httpx
import pytest


@pytest.fixture
def session() -> dict[str, str]:
    return {"session_id": str(uuid.uuid4())}


def ask(http: httpx.Client, query: str, **params: str) -> str:
    return http.post("/", params=params, content=query).text.strip()


def test_a_temporary_table_lives_in_its_session(
    http: httpx.Client, session: dict[str, str]
) -> None:
    ask(http, "CREATE TEMPORARY TABLE mine (n Int8)", **session)
    ask(http, "INSERT INTO mine VALUES (3), (4)", **session)
    assert ask(http, "SELECT sum(n) FROM mine", **session) == "7"
    assert "UNKNOWN_TABLE" in ask(http, "SELECT sum(n) FROM mine")


def test_set_lasts_and_a_url_setting_does_not(http: httpx.Client, session: dict[str, str]) -> None:
    threads = "SELECT getSetting('max_threads')"
    ask(http, "SET max_threads = 7", **session)
    assert ask(http, threads, **session, max_threads="3") == "3"
    assert ask(http, threads, **session) == "7"
    ask(http, "SELECT 1", **session, max_block_size="9")
    assert ask(http, "SELECT getSetting('max_block_size')", **session) != "9"


def test_use_lasts_and_a_url_database_does_not(http: httpx.Client, session: dict[str, str]) -> None:
    now = "SELECT currentDatabase()"
    assert ask(http, now, **session) == "default"
    ask(http, "USE assay", **session)
    assert ask(http, now, **session, database="system") == "system"
    assert ask(http, now, **session) == "assay"


def test_a_session_serves_one_request_at_a_time(
    http: httpx.Client, session: dict[str, str]
) -> None:
    slow = threading.Thread(target=ask, args=(http, "SELECT sleep(1)"), kwargs=session)
    slow.start()
    time.sleep(0.4)
    assert "SESSION_IS_LOCKED" in ask(http, "SELECT 1", **session)
    slow.join()
    assert ask(http, "SELECT 1", **session) == "1"


def test_a_session_ends_after_its_timeout(http: httpx.Client, session: dict[str, str]) -> None:
    ask(http, "SELECT 1", **session, session_timeout="1")
    assert ask(http, "SELECT 1", **session, session_timeout="1", session_check="1") == "1"
    time.sleep(1.2)
    assert "SESSION_NOT_FOUND" in ask(http, "SELECT 1", **session, session_check="1")


def test_get_only_reads_in_a_session_and_leaves_it_able_to_write(
    http: httpx.Client, session: dict[str, str]
) -> None:
    refused = http.get("/", params={"query": "CREATE TABLE x (a Int8) ENGINE = Memory", **session})
    assert refused.headers["x-clickhouse-exception-code"] == "164"
    assert http.get("/", params={"query": "SELECT 1", **session}).text == "1\n"
    assert ask(http, "CREATE TEMPORARY TABLE later (a Int8)", **session) == ""
