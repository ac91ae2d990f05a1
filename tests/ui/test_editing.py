"""Settings, Alerts: the file's is read only, a role decides, no change is written over."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from schemas import control, keys
from schemas.clickhouse import Store
from schemas.control import RetentionPolicy
from schemas.logins import Person
from schemas.settings import Settings
from ui import editing

ADMIN = Person("ada", "admin")


@pytest.fixture
def project(store: Store) -> Iterator[str]:
    name = f"edit-{uuid.uuid4()}"
    yield name
    for key in keys.read(store):
        if key.project == name:
            keys.revoke(store, key.id, "test")


def _page(settings: Settings, name: str, project: str, person: Person) -> AppTest:
    def show(name: str, project: str, home: str, port: str) -> None:
        import importlib

        from schemas import clickhouse
        from schemas.settings import from_environment

        settings = from_environment({"ASSAY_HOME": home, "ASSAY_STORE_PORT": port})
        importlib.import_module(f"ui.views.{name}").render(clickhouse.connect(settings), project)

    given = {"name": name, "project": project, "home": str(settings.home),
             "port": str(settings.store_port)}  # fmt: skip
    test = AppTest.from_function(show, kwargs=given, default_timeout=60)
    test.session_state["viewer"] = person
    return test.run()


def _days(store: Store, project: str) -> int:
    return control.retentions(store).days(project)


def test_an_admin_changes_a_policy_and_the_log_says_who(
    settings: Settings, store: Store, project: str
) -> None:
    page = _page(settings, "settings", project, ADMIN)
    assert not page.exception
    key = f"retention-{project}-0"
    page.text_area(key=f"text-{key}").set_value("days: 90")
    page.button(key=f"save-{key}").click().run()
    assert not page.exception and _days(store, project) == 90
    (row,) = editing.documents(store, "retention", [project])
    assert (row["owner"], row["author"], row["version"]) == ("ui", "ada (explorer)", 1)
    page.text_area(key=f"text-retention-{project}-1").set_value("days: 91")
    page.button(key=f"save-retention-{project}-1").click().run()
    assert "must be one of" in page.error[0].value and _days(store, project) == 90


def test_a_change_made_meanwhile_is_not_overwritten(
    settings: Settings, store: Store, project: str
) -> None:
    control.put(store, ("retention", project), RetentionPolicy(30), "ui", "bob")
    page = _page(settings, "settings", project, ADMIN)
    control.put(store, ("retention", project), RetentionPolicy(7), "ui", "bob")
    page.text_area(key=f"text-retention-{project}-0").set_value("days: 365")
    page.button(key=f"save-retention-{project}-0").click().run()
    assert "was changed by bob meanwhile" in page.error[0].value.replace("\\", "")
    assert _days(store, project) == 7


def test_what_the_file_owns_and_what_is_not_theirs_is_read_only(
    settings: Settings, store: Store, project: str
) -> None:
    control.put(store, ("retention", project), RetentionPolicy(30), "file", "ops")
    page = _page(settings, "settings", project, ADMIN)
    assert not [t for t in page.text_area if str(t.key).startswith(f"text-retention-{project}")]
    assert "days: 30" in " ".join(code.value for code in page.code)
    for person in (Person("eve", "viewer"), Person("bob", "editor", (project,))):
        page = _page(settings, "settings", project, person)
        assert not page.exception and not page.text_area
        assert not [b for b in page.button if str(b.key).startswith("key-")]


@pytest.mark.parametrize(
    ("person", "kind", "name", "may"),
    [
        (ADMIN, "retention", "default", True),
        (Person("a", "admin", ("shop",)), "retention", "shop", True),
        (Person("a", "admin", ("shop",)), "retention", "default", False),
        (Person("a", "admin", ("shop",)), "retention", "other", False),
        (Person("a", "admin", ("shop",)), "rule", "slow", False),
        (Person("a", "editor"), "rule", "slow", True),
        (Person("a", "editor"), "alert", "team", False),
        (Person("a", "reviewer"), "evaluator", "refusal", False),
        (ADMIN, "user", "ada", False),
    ],
)
def test_a_role_and_its_projects_decide(person: Person, kind: str, name: str, may: bool) -> None:
    assert editing.may(person, kind, name) is may


def test_a_key_is_shown_once_and_revoked(settings: Settings, store: Store, project: str) -> None:
    page = _page(settings, "settings", project, ADMIN)
    page.button(key="key-make").click().run()
    assert not page.exception
    (key,) = [key for key in keys.read(store) if key.project == project]
    (text,) = [code.value for code in page.code if code.value.startswith("ak_")]
    assert keys.digest(text) == key.digest and key.scopes == ("ingest",)
    page.run()
    assert not [code for code in page.code if code.value.startswith("ak_")]
    page.button(key="key-revoke").click().run()
    assert not [key for key in keys.read(store) if key.project == project]


def test_a_silence_is_set_and_ended(settings: Settings, store: Store, project: str) -> None:
    name = f"signal-{uuid.uuid4().hex[:8]}"
    page = _page(settings, "alerts", project, Person("bob", "editor", (project,)))
    assert not page.exception
    page.selectbox(key="silence-what").set_value("a signal")
    page.text_input(key="silence-signal").set_value(name)
    page.text_input(key="silence-why").set_value("release")
    page.button(key="silence-set").click().run()
    assert not page.exception
    silence = control.read(store).silences[name]
    assert (silence.project, silence.reason) == (project, "release")
    page.button(key=f"end-{name}").click().run()
    assert name not in control.read(store).silences
    watching = _page(settings, "alerts", project, Person("eve", "viewer", (project,)))
    assert not watching.button
