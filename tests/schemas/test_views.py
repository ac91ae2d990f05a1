"""Saved views: a link shows the same, one's own are one's own, shared ones are an editor's."""

from __future__ import annotations

import uuid

import pytest

from schemas import views
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.logins import Person

ADA, BOB, EVE = Person("ada", "editor"), Person("bob", "viewer"), Person("eve", "viewer")


def test_a_link_has_page_project_and_query(store: Store) -> None:
    project = f"view {uuid.uuid4()}"
    said = {"project": "another", "search": 'model="a b" status=ERROR', "hours": "24"}
    view = views.save(store, project, BOB, " slow ones ", "traces", said, False)
    assert view.name == "slow ones"
    assert view.link == (
        f"/traces?project={project.replace(' ', '+')}"
        "&search=model%3D%22a+b%22+status%3DERROR&hours=24"
    )


def test_who_sees_and_removes_which(store: Store) -> None:
    project = f"view-{uuid.uuid4()}"
    mine = views.save(store, project, BOB, "mine", "traces", {}, False)
    everybodys = views.save(store, project, ADA, "all", "traces", {}, True)
    assert [v.name for v in views.views(store, project, BOB)] == ["all", "mine"]
    assert [v.name for v in views.views(store, project, EVE)] == ["all"]
    assert views.views(store, "another", BOB) == []
    for person, view in ((EVE, mine), (EVE, everybodys), (ADA, mine)):
        with pytest.raises(ControlError, match="no such view"):
            views.remove(store, project, person, view.id)
    with pytest.raises(ControlError, match="no such view"):
        views.remove(store, "another", ADA, everybodys.id)
    views.remove(store, project, BOB, mine.id)
    assert [v.name for v in views.views(store, project, BOB)] == ["all"]


def test_a_name_that_is_empty_or_taken_and_sharing_by_a_viewer_are_refused(store: Store) -> None:
    project = f"view-{uuid.uuid4()}"
    views.save(store, project, ADA, "one", "traces", {}, True)
    for person, name, shared in ((ADA, "one", False), (ADA, " ", False), (BOB, "two", True)):
        with pytest.raises(ControlError):
            views.save(store, project, person, name, "traces", {}, shared)
