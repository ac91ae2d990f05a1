"""Users of the explorer: hashed passwords, roles, and an admin that stays."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from schemas import logins
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.logins import Person
from schemas.queries.control import history

WORD = "correct horse"


@pytest.fixture
def users(store: Store) -> Iterator[Store]:
    """A store without users, before and after."""
    yield store
    left = sorted(logins.read(store).values(), key=lambda user: user.role == "admin")
    for user in left:
        logins.remove(store, user.name, "test")


def test_a_password_is_known_again_and_no_other_is(users: Store) -> None:
    made = logins.add(users, "ada", "admin", (), WORD, "test")
    stored = logins.read(users)["ada"]
    assert stored == made and stored.knows(WORD)
    assert not stored.knows(WORD + "r") and not stored.knows("")
    assert WORD not in json.dumps([row["document"] for row in history(users)])


def test_the_first_user_is_an_admin_and_the_last_admin_stays(users: Store) -> None:
    with pytest.raises(ControlError, match="first user must be an admin"):
        logins.add(users, "ada", "viewer", (), WORD, "test")
    logins.add(users, "ada", "admin", (), WORD, "test")
    logins.add(users, "bob", "viewer", ("shop",), WORD, "test")
    for act in (
        lambda: logins.remove(users, "ada", "test"),
        lambda: logins.change(users, "ada", "test", role="editor"),
        lambda: logins.change(users, "ada", "test", projects=["shop"]),
    ):
        with pytest.raises(ControlError, match="must stay an admin"):
            act()
    logins.change(users, "bob", "test", role="admin", projects=[])
    logins.remove(users, "ada", "test")
    assert list(logins.read(users)) == ["bob"]


def test_another_password_ends_what_stood_on_the_old_one(users: Store) -> None:
    old = logins.add(users, "ada", "admin", (), WORD, "test")
    new = logins.change(users, "ada", "test", password="another horse")
    assert new.mark != old.mark and new.knows("another horse") and not new.knows(WORD)
    assert logins.change(users, "ada", "test", projects=[]).mark == new.mark


@pytest.mark.parametrize(
    ("name", "role", "word"), [("Ada L", "admin", WORD), ("a", "boss", WORD), ("a", "admin", "pw")]
)
def test_what_makes_no_sense_is_refused(users: Store, name: str, role: str, word: str) -> None:
    with pytest.raises(ControlError):
        logins.add(users, name, role, (), word, "test")
    assert logins.read(users) == {}


def test_a_role_may_what_those_before_it_may() -> None:
    assert [Person("a", "editor").may(role) for role in logins.ROLES] == [True, True, True, False]
    assert Person("a", "viewer", ("x",)).sees("x") and not Person("a", "viewer", ("x",)).sees("y")
