"""`assay user`: the first is an admin, a made password is shown once, the list has no hash."""

from __future__ import annotations

import io

import pytest

from assay import control, logins
from assay.cli import build_parser
from schemas import logins as stored
from schemas.clickhouse import Store
from schemas.settings import Settings


def _said(settings: Settings, monkeypatch: pytest.MonkeyPatch, typed: str, *words: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return logins.run(settings, build_parser().parse_args(["user", *words]))


def test_users_are_made_changed_listed_and_removed(
    settings: Settings,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def do(typed: str, *words: str) -> str:
        assert _said(settings, monkeypatch, typed, *words) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    assert _said(settings, monkeypatch, "correct horse\n", "add", "bob") == 1
    assert "--role admin" in capsys.readouterr().err
    assert "asks everybody to log in" in do("correct horse\n", "add", "ada", "--role", "admin")
    made = do("\n", "add", "bob", "--project", "shop", "--role", "reviewer")
    word = made.split("password  ")[1].split("\n")[0]
    assert stored.read(store)["bob"].knows(word)
    assert stored.read(store)["ada"].knows("correct horse")
    do("another horse\n", "passwd", "bob")
    assert "is editor of all projects" in do("", "set", "bob", "--role", "editor", "--all-projects")
    listed = do("", "list")
    assert "bob" in listed and "editor" in listed and "scrypt" not in listed
    assert control.audit(settings) == 0
    assert "user bob v3" in (log := capsys.readouterr().out)
    assert stored.read(store)["bob"].hash not in log
    do("", "remove", "bob")
    assert "No user is left" in do("", "remove", "ada")
    assert stored.read(store) == {}
