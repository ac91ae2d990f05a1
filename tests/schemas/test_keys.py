"""Keys of projects: shown once, kept as a digest, rotated and revoked, all in the audit log."""

from __future__ import annotations

import argparse
import uuid
from typing import Any

import pytest

from assay import control as commands
from assay import keys as command
from assay.cli import build_parser
from schemas import control, keys
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.queries.control import history
from schemas.settings import Settings


@pytest.fixture(autouse=True)
def none_left(store: Store) -> Any:
    """A key that stays would close the collector of other tests."""
    yield
    for key in keys.read(store):
        keys.revoke(store, key.id, "test")


def _named(store: Store, name: str) -> keys.ApiKey:
    return next(key for key in keys.read(store) if key.id == name)


def test_a_key_is_kept_as_a_digest(store: Store) -> None:
    key, text = keys.create(store, "acme", ["ingest"], 0, "the shop", "ada")
    assert text.startswith(f"ak_{key.id}_") and keys.digest(text) == key.digest
    assert _named(store, key.id) == key and not key.expired(2**60)
    assert not any(text in row["document"] for row in history(store))


def test_rotation_makes_a_new_key_and_ends_the_old_one_later(store: Store) -> None:
    old, _ = keys.create(store, "acme", ["ingest", "read"], 30, "", "ada")
    new, text = keys.rotate(store, old.id, 24, "bob")
    assert (new.project, new.scopes) == (old.project, old.scopes) and keys.digest(text)
    ends = _named(store, old.id).expires_at
    assert ends < old.expires_at and ends - new.created_at == pytest.approx(86_400_000, abs=5000)
    assert new.expires_at - new.created_at == 30 * keys.DAY_MS


def test_rotation_never_prolongs_a_key(store: Store) -> None:
    old, _ = keys.create(store, "acme", ["ingest"], 0.01, "", "ada")
    keys.rotate(store, old.id, 24, "bob")
    assert _named(store, old.id).expires_at == old.expires_at


def test_a_revoked_key_is_gone(store: Store) -> None:
    key, _ = keys.create(store, "acme", ["ingest"], 0, "", "ada")
    keys.revoke(store, key.id, "bob")
    assert key.id not in {each.id for each in keys.read(store)}
    with pytest.raises(ControlError, match="there is no key"):
        keys.revoke(store, key.id, "bob")


@pytest.mark.parametrize(
    ("project", "scopes", "days", "text"),
    [("", ["ingest"], 0, "needs a project"), ("a\n", ["ingest"], 0, "needs a project"),
     ("a", ["write"], 0, "--scope write"), ("a", [], 0, "--scope nothing"),
     ("a", ["ingest"], -1, "days")],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_refused(
    store: Store, project: str, scopes: list[str], days: float, text: str
) -> None:
    with pytest.raises(ControlError, match=text):
        keys.create(store, project, scopes, days, "", "ada")


def _run(settings: Settings, *words: str) -> int:
    arguments: argparse.Namespace = build_parser().parse_args(["key", *words])
    return command.run(settings, arguments)


def test_the_command_shows_a_key_once(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    project = f"p-{uuid.uuid4().hex[:6]}"
    assert _run(settings, "create", "--project", project, "--note", "shop", "--days", "9") == 0
    shown = capsys.readouterr().out
    text = next(line.split()[1] for line in shown.splitlines() if line.startswith("key "))
    assert f"Bearer%20{text}" in shown
    assert _run(settings, "list") == 0
    listed = capsys.readouterr().out
    assert project in listed and "shop" in listed and text not in listed
    name = text.split("_")[1]
    assert _run(settings, "rotate", name) == 0 and _run(settings, "revoke", name) == 0
    assert _run(settings, "revoke", "nobody") == 1
    assert "assay key list" in capsys.readouterr().err


def test_the_audit_log_says_who_and_hides_the_digest(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    key, _ = keys.create(store, "acme", ["ingest"], 0, "", "ada")
    keys.revoke(store, key.id, "bob")
    assert commands.audit(settings) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if key.id in line]
    assert "bob" in lines[0] and lines[0].endswith("} -> removed")
    assert ": new -> {" in lines[1]
    assert "ada" in lines[1] and key.digest not in lines[1] and key.digest[:6] in lines[1]


def test_a_key_that_cannot_be_read_lets_nobody_in_and_can_be_revoked(store: Store) -> None:
    name = uuid.uuid4().hex[:12]
    control.write(store, (keys.KIND, name), {"digest": "ab"}, 1, "keys", "ada")
    broken = _named(store, name)
    assert broken.expired(2) and not broken.may("ingest") and not broken.digest
    keys.revoke(store, name, "ada")


def test_the_file_neither_sees_nor_removes_keys(store: Store) -> None:
    key, _ = keys.create(store, "acme", ["ingest"], 0, "", "ada")
    changes = control.apply(store, {}, "file")
    assert not [change for change in changes if change.key[0] == keys.KIND]
    assert _named(store, key.id) == key
