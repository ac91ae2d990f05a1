"""Saved views: control documents that name a page and the query string that shows it again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from schemas import control
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.logins import Person

KIND = "view"
LONGEST = 80  # characters of a name


@dataclass(frozen=True, slots=True)
class View:
    """`query` holds everything but the project; a view that is not `shared` is its author's."""

    id: str
    project: str
    name: str
    page: str
    query: str
    author: str
    shared: bool

    @property
    def link(self) -> str:
        """An address relative to the explorer's."""
        return f"/{self.page}?{urlencode([('project', self.project), *parse_qsl(self.query)])}"


def views(store: Store, project: str, person: Person) -> list[View]:
    """The views of a project that somebody may open, by page and name: shared ones, and theirs."""
    found = []
    for row in control.documents(store, KIND):
        if not row["deleted"]:
            view = _made(row["document"])
            if view and view.project == project and (view.shared or view.author == person.name):
                found.append(view)
    return sorted(found, key=lambda view: (view.page, view.name.casefold()))


def save(
    store: Store, project: str, person: Person, name: str, page: str, query: Mapping[str, str],
    shared: bool,
) -> View:  # fmt: skip
    """Store a view. Raises ControlError for a name that is empty, too long or taken."""
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise ControlError(f"a view's name has 1 to {LONGEST} characters")
    if shared and not person.may("editor"):
        raise ControlError("an editor shares views")
    if any(v.name == name and v.page == page for v in views(store, project, person)):
        raise ControlError(f"there is a view {name!r} of this page already")
    said = urlencode([(k, v) for k, v in query.items() if k != "project"])
    view = View(uuid.uuid4().hex[:12], project, name, page, said, person.name, shared)
    control.write(store, (KIND, view.id), asdict(view), 1, "ui", person.signature)
    return view


def remove(store: Store, project: str, person: Person, view_id: str) -> None:
    """Remove one's own view, or as an editor a shared one. Raises ControlError."""
    for row in control.documents(store, KIND):
        view = None if row["deleted"] else _made(row["document"])
        if view and view.id == view_id and view.project == project:
            if view.author != person.name and not (view.shared and person.may("editor")):
                break
            control.write(store, (KIND, view_id), None, int(row["version"]) + 1, "ui",
                          person.signature)  # fmt: skip
            return
    raise ControlError("there is no such view of yours")


def _made(document: str) -> View | None:
    try:
        found: dict[str, Any] = json.loads(document)
        return View(**found)
    except (ValueError, TypeError):
        return None
