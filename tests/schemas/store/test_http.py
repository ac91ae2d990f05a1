"""The embedded store is ClickHouse to an HTTP client, and closed to everybody else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest

from schemas import clickhouse
from schemas.settings import Settings, from_environment
from tests.conftest import environment, start_store


def test_a_query_comes_in_url_or_body_with_parameters(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1"}).text == "1\n"
    answer = http.post(
        "/", params={"param_x": "it's"}, content="SELECT {x:String} AS x FORMAT JSON"
    )
    assert answer.json()["data"] == [{"x": "it's"}]
    assert "read_rows" in answer.headers["x-clickhouse-summary"]


def test_an_error_has_clickhouses_code(http: httpx.Client) -> None:
    answer = http.post("/", content="SELECT nope")
    assert answer.headers["x-clickhouse-exception-code"] == "47"
    assert "Code: 47" in answer.text
    assert http.post("/", content="SELECT 1 FROM nowhere").status_code == 404


def test_get_only_reads(http: httpx.Client) -> None:
    answer = http.get("/", params={"query": "CREATE TABLE x (a Int8) ENGINE = Memory"})
    assert answer.headers["x-clickhouse-exception-code"] == "164"


def test_a_wrong_password_is_refused(settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings.store_port}/?query=SELECT+1"
    for auth in (None, ("assay", "wrong"), ("default", "")):
        answer = httpx.get(url, auth=auth)
        assert answer.status_code == 403
        assert answer.headers["x-clickhouse-exception-code"] == "516"


@pytest.mark.parametrize("header", [{"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_a_foreign_web_page_is_refused(http: httpx.Client, header: dict[str, str]) -> None:
    assert http.get("/", params={"query": "SELECT 1"}, headers=header).status_code == 403


def test_the_password_file_is_private(settings: Settings) -> None:
    assert settings.password_file.stat().st_mode & 0o777 == 0o600


def test_a_killed_store_opens_again_with_all_acknowledged_rows(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    child = start_store(environ, tmp_path)
    store = clickhouse.connect(from_environment(environ))
    store.command("CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n")
    for n in range(20):
        store.command("INSERT INTO kept VALUES ({n:UInt32})", n=n)
    store.close()
    child.kill()
    child.wait()
    child = start_store(environ, tmp_path)
    store = clickhouse.connect(from_environment(environ))
    assert [r["n"] for r in store.rows("SELECT n FROM kept ORDER BY n")] == list(range(20))
    store.close()
    child.terminate()
    assert child.wait(20) == 0


def test_a_second_store_on_one_folder_is_refused_in_words(settings: Settings) -> None:
    environ = {**environment(settings.home)}
    import os
    import sys

    done = subprocess.run(
        [sys.executable, "-P", "-m", "schemas.store"], env={**os.environ, **environ},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "in use by another `assay store`" in done.stderr
