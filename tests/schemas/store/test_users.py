"""A project's user signs in with its own password, and is out once it is removed."""

from __future__ import annotations

from pathlib import Path

import clickhouse_connect
import httpx
import pytest

from schemas import clickhouse, keys
from schemas.settings import Settings, from_environment
from schemas.store import users
from schemas.store.users import UsersError, UsersFile
from tests.conftest import environment, start_store, wait_until
from tests.schemas.store.projects import OWN


def test_a_password_is_kept_as_a_digest_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "store.users"
    user, password = users.add(path, "acme")
    assert user.name == "project:acme" and user.knows(password) and not user.knows("")
    assert path.stat().st_mode & 0o777 == 0o600
    assert password not in path.read_text()
    with pytest.raises(UsersError, match="already"):
        users.add(path, "acme")
    assert users.remove(path, "acme") and not users.remove(path, "acme")
    assert users.read(path) == {}


@pytest.mark.parametrize("project", ["", "a\nb", "a\0"])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, project: str) -> None:
    with pytest.raises(UsersError):
        users.add(tmp_path / "store.users", project)


def test_a_broken_file_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "store.users"
    current = UsersFile(path)
    assert current() == {}
    users.add(path, "acme")
    assert list(current()) == ["project:acme"]
    path.write_text('{"users": [{"name": "project:x"}]}')
    assert current() == {}


def test_a_removed_user_is_refused_at_once(settings: Settings) -> None:
    base = f"http://127.0.0.1:{settings.store_port}"
    user, password = users.add(settings.users_file, "a:b")
    for auth in ((user.name, password), (user.name, password + "x"), (user.name, "")):
        answer = httpx.post(base, auth=auth, content="SELECT 1")
        assert (answer.status_code == 200) is (auth[1] == password)
    params = {"user": user.name, "password": password}
    assert httpx.post(base, params=params, content="SELECT 1").text == "1\n"
    named = {"X-ClickHouse-User": user.name, "X-ClickHouse-Key": password}
    assert httpx.post(base, headers=named, content="SELECT 1").text == "1\n"
    assert httpx.post(base, auth=("assay", password), content="SELECT 1").status_code == 403
    users.remove(settings.users_file, "a:b")
    assert httpx.post(base, params=params, content="SELECT 1").status_code == 403


def test_a_key_that_reads_sees_its_project_alone(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    child = start_store(environ, tmp_path)
    try:
        mine = from_environment(environ)
        base = f"http://127.0.0.1:{mine.store_port}"
        store = clickhouse.connect(mine)
        made = {
            (project, scope): keys.create(store, project, [scope], 0, "", "ada")[1]
            for project, scope in (("a", "read"), ("a", "ingest"), ("*", "read"), ("*", "admin"))
        }

        def ask(text: str, query: str = "SELECT 1") -> httpx.Response:
            return httpx.post(base, headers={"authorization": f"Bearer {text}"}, content=query)

        wait_until(lambda: ask(made["a", "read"]).status_code == 200, "the store knows the key")
        for refused in (made["a", "ingest"], made["*", "read"], "ak_no", "x"):
            assert ask(refused).status_code == 403
        for project in ("a", "b"):
            insert = f"INSERT INTO assay.segments (project, segment) VALUES ('{project}', 's')"
            assert ask(made["*", "admin"], insert).status_code == 200
        count = "SELECT groupUniqArray(toString(project)) FROM assay.segments"
        assert ask(made["a", "read"], count).text == "['a']\n"
        assert ask(made["a", "read"], insert).status_code != 200
        signed = httpx.post(base, auth=("project:a", made["a", "read"]), content=count)
        assert signed.text == "['a']\n"
        other = httpx.post(base, auth=("project:b", made["a", "read"]), content=count)
        assert other.status_code == 403
        store.close()
    finally:
        child.terminate()
        child.wait(20)


def test_what_a_client_may_set(own: httpx.Client) -> None:
    text = "SELECT name FROM spans ORDER BY name"
    assert own.post("/", params={"max_result_rows": "2"}, content=text).status_code != 200
    assert own.get("/", params={"query": text, "readonly": "2"}).text == "10\n11\n12\n"
    for name in ("additional_table_filters", "use_query_cache", "max_threads", "format_schema"):
        answer = own.post("/", params={name: ""}, content=text)
        assert answer.headers["x-clickhouse-exception-code"] == "164", name
    assert own.post("/", params={"database": "system"}, content=text).status_code == 403
    tables = {"query": "SELECT 1", "t_structure": "a Int8"}
    assert own.post("/", params=tables, files={"t": ("t", b"1\n")}).status_code == 403
    assert own.post("/", content=b"SELECT '\xff'").status_code == 403


def test_a_session_keeps_nothing(own: httpx.Client, http: httpx.Client) -> None:
    mine = {"session_id": "shared"}
    http.post("/", params=mine, content="CREATE TEMPORARY TABLE kept AS SELECT 1 AS secret")
    answer = own.post("/", params=mine, content="SELECT * FROM kept")
    assert answer.headers["x-clickhouse-exception-code"] == "497"
    assert own.post("/", params=mine, content="SELECT 1").text == "1\n"


def test_an_id_of_another_users_query_is_not_ones_own(own: httpx.Client) -> None:
    answer = own.post("/", params={"query_id": "x"}, content="SELECT 1")
    assert answer.headers["x-clickhouse-query-id"] == f"project:{OWN}/x"


def test_clickhouses_own_client_works(own: httpx.Client, settings: Settings) -> None:
    user, password = users.add(settings.users_file, "none")
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=settings.store_port, username=user.name, password=password,
        database="assay",
    )  # fmt: skip
    asked = "SELECT {n:UInt8} + count() AS n, toDate(0) AS d FROM spans"
    result = client.query(asked, parameters={"n": 4}, settings={"max_result_rows": 9})
    assert result.result_rows[0][0] == 4
    assert client.query_df("SELECT number FROM numbers(3)").shape == (3, 1)
    assert client.query_arrow("SELECT name FROM spans").num_rows == 0
    client.close()
    users.remove(settings.users_file, "none")
