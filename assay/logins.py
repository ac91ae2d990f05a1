"""`assay user`: who may open the explorer, as what, and which projects."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from datetime import UTC, datetime

from assay.acting import act
from schemas import logins
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.logins import Login
from schemas.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Do what `arguments.action` says; the exit code."""
    return act(settings, arguments, _ACTIONS)


def _password() -> tuple[str, bool]:
    """A password from the terminal (typed twice) or the first line of stdin, or a new one where
    nothing is typed; and whether it is new."""
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\r\n")
        return (given, False) if given else (secrets.token_urlsafe(15), True)
    given = getpass.getpass("Password (empty: make one): ")
    if not given:
        return secrets.token_urlsafe(15), True
    if getpass.getpass("Again: ") != given:
        raise ControlError("the two differ; nothing was changed")
    return given, False


def _add(store: Store, arguments: argparse.Namespace) -> int:
    first = not logins.read(store)
    password, new = _password()
    login = logins.add(
        store, arguments.name, arguments.role, arguments.project, password, getpass.getuser()
    )
    print(f"user      {login.name}\nrole      {login.role}\nprojects  {_projects(login)}")
    if new:
        print(f"password  {password}\nThe password is shown this once.")
    if first:
        print("The explorer asks everybody to log in from now on.")
    return 0


def _passwd(store: Store, arguments: argparse.Namespace) -> int:
    password, new = _password()
    logins.change(store, arguments.name, getpass.getuser(), password=password)
    if new:
        print(f"password  {password}\nThe password is shown this once.")
    print(f"{arguments.name} is logged out everywhere within seconds.")
    return 0


def _set(store: Store, arguments: argparse.Namespace) -> int:
    projects = [] if arguments.all_projects else arguments.project or None
    if not arguments.role and projects is None:
        raise ControlError("`assay user set` takes --role, --project or --all-projects")
    login = logins.change(
        store, arguments.name, getpass.getuser(), role=arguments.role, projects=projects
    )
    print(f"{login.name} is {login.role} of {_projects(login)}, within seconds.")
    return 0


def _remove(store: Store, arguments: argparse.Namespace) -> int:
    logins.remove(store, arguments.name, getpass.getuser())
    print(f"{arguments.name} is out within seconds.")
    if not logins.read(store):
        print("No user is left: an explorer on loopback is open to anybody on this machine.")
    return 0


def _list(store: Store, _arguments: argparse.Namespace) -> int:
    found = logins.read(store)
    for login in found.values():
        day = datetime.fromtimestamp(login.created_at / 1000, UTC)
        print(f"{login.name:24} {login.role:9} {_projects(login):32} since {day:%Y-%m-%d}")
    if not found:
        print("There are no users: an explorer on loopback is open to anybody on this machine.")
    return 0


def _projects(login: Login) -> str:
    return ", ".join(login.projects) or "all projects"


_ACTIONS = {"add": _add, "list": _list, "passwd": _passwd, "remove": _remove, "set": _set}
