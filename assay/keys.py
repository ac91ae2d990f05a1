"""`assay key`: API keys of projects. A key's text is printed once, when it is made."""

from __future__ import annotations

import argparse
import getpass
import time
from datetime import UTC, datetime

from assay.acting import act
from schemas import keys
from schemas.clickhouse import Store
from schemas.keys import ApiKey
from schemas.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Do what `arguments.action` says; the exit code."""
    return act(settings, arguments, _ACTIONS)


def _create(store: Store, arguments: argparse.Namespace) -> int:
    scopes = [scope.strip() for scope in arguments.scope.split(",") if scope.strip()]
    _show(*keys.create(store, arguments.project, scopes, arguments.days, arguments.note,
                       getpass.getuser()))  # fmt: skip
    return 0


def _rotate(store: Store, arguments: argparse.Namespace) -> int:
    _show(*keys.rotate(store, arguments.id, arguments.keep_hours, getpass.getuser()))
    print(f"Key {arguments.id} goes on working for {arguments.keep_hours:g} hours.")
    return 0


def _revoke(store: Store, arguments: argparse.Namespace) -> int:
    key = keys.revoke(store, arguments.id, getpass.getuser())
    print(f"Key {key.id} of project {key.project} is refused within seconds.")
    if not keys.read(store):
        print("No key is left: a collector on loopback takes data from anybody on this machine.")
    return 0


def _list(store: Store, _arguments: argparse.Namespace) -> int:
    found, now = keys.read(store), time.time_ns() // 10**6
    for key in sorted(found, key=lambda key: (key.project, key.created_at)):
        until = f"until {_day(key.expires_at)}" if key.expires_at else "for ever"
        if key.expired(now):
            until = f"EXPIRED {_day(key.expires_at)}"
        print(f"{key.id}  {key.project:24} {','.join(key.scopes):18} made {_day(key.created_at)}, "
              f"{until}  {key.note}".rstrip())  # fmt: skip
    if not found:
        print("There are no keys: a collector listens on loopback only, and takes what comes.")
    return 0


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _show(key: ApiKey, text: str) -> None:
    print(f"id        {key.id}\nproject   {key.project}\nscopes    {', '.join(key.scopes)}")
    print(f"expires   {_day(key.expires_at) if key.expires_at else 'never'}\nkey       {text}")
    print("The key is shown this once. Collectors take it within seconds.")
    if key.may("ingest"):
        print(f"  export OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20{text}'")


_ACTIONS = {"create": _create, "list": _list, "revoke": _revoke, "rotate": _rotate}
