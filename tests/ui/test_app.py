"""The explorer as a whole: sections, a lost ClickHouse and its return, projects that are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from schemas import logins
from schemas.clickhouse import Store
from schemas.settings import Settings
from tests.conftest import free_port
from ui import data, gate
from ui.gate import COOKIE

APP = str(Path(__file__).parents[2] / "ui" / "app.py")


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    monkeypatch.setenv("ASSAY_STORE_PORT", str(settings.store_port))
    data.store.clear()
    gate.gate.cache_clear()
    yield AppTest.from_file(APP, default_timeout=60)
    gate.gate.cache_clear()


def test_a_lost_clickhouse_is_said_and_the_page_comes_back(
    app: AppTest, settings: Settings, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.query_params["project"] = filled
    monkeypatch.setenv("ASSAY_STORE_PORT", str(free_port()))
    app.run()
    assert not app.exception
    assert "ClickHouse does not answer" in app.error[0].value
    monkeypatch.setenv("ASSAY_STORE_PORT", str(settings.store_port))
    app.run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    assert not [e for e in app.error if "does not answer" in e.value]


def test_a_project_that_is_not_there_is_named(app: AppTest, filled: str) -> None:
    app.query_params["project"] = "nobody"
    app.run()
    assert "There is no project nobody" in app.warning[0].value
    assert app.title[0].value == "Overview"


def test_a_user_sees_only_projects_of_their_own(
    app: AppTest, store: Store, filled: str, hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins.add(store, "ada", "admin", (), "correct horse", "test")
    try:
        bob = logins.add(store, "bob", "viewer", (filled,), "correct horse", "test")
        cookies = {COOKIE: gate.gate().cookie(bob, 2**40)}
        monkeypatch.setattr("ui.viewer.cookies", lambda: cookies)
        app.query_params["project"] = hostile
        app.run()
        assert not app.exception
        assert app.sidebar.selectbox[0].options == [filled]
        assert "it is not yours" in app.warning[0].value
        assert "x onerror" not in " ".join(str(element) for element in app.main)
        cookies.clear()
        app.run()
        assert "You are logged out" in app.warning[0].value and not app.title
    finally:
        for name in ("bob", "ada"):
            logins.remove(store, name, "test")


def test_a_question_that_asks_for_too_much_is_told_apart(
    app: AppTest, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.connection.LIMIT", 0.0001)
    app.run()
    assert not app.exception
    assert "more than one look can take" in app.warning[0].value
