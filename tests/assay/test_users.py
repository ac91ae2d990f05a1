"""`assay store user` adds, lists and removes; the password is shown once."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import build_parser
from assay.users import change
from schemas.settings import from_environment
from schemas.store import users


def test_a_user_comes_and_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = from_environment({"ASSAY_HOME": str(tmp_path)})
    assert change(settings, "add", "acme") == 0
    password = capsys.readouterr().out.split("password")[1].split()[0]
    assert users.read(settings.users_file)["project:acme"].knows(password)
    assert change(settings, "add", "acme") == 1
    assert change(settings, "list", "") == 0
    assert capsys.readouterr().out == "project:acme\n"
    assert change(settings, "remove", "acme") == 0
    assert change(settings, "remove", "acme") == 1
    assert change(settings, "add", "") == 1


def test_the_store_still_starts_without_a_word_more() -> None:
    assert build_parser().parse_args(["store"]).thing is None
    named = build_parser().parse_args(["store", "user", "add", "--project", "acme"])
    assert (named.thing, named.action, named.project) == ("user", "add", "acme")
