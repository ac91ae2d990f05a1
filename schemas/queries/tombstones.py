"""Tombstones in ClickHouse: written by deletions, read by every collector."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any

from schemas.clickhouse import Store
from schemas.models import TombstoneRow
from schemas.queries.scope import across_projects
from schemas.tombstones import SALT, Tombstones, digest


@across_projects("one salt for all")
def salt(store: Store) -> bytes:
    """The store's key, made once: of two writers the first wins by the token."""
    made = TombstoneRow("", SALT, secrets.token_bytes(32).hex(), 0, time.time_ns() // 10**6)
    if not (found := _salt(store)):
        store.insert("tombstones", [made], "tombstones/salt")
        found = _salt(store)
    return bytes.fromhex(found)


def _salt(store: Store) -> str:
    rows = store.rows("SELECT digest FROM tombstones WHERE project = '' AND kind = 'salt' LIMIT 1")
    return str(rows[0]["digest"]) if rows else ""


def bury(
    store: Store, project: str, named: Iterable[tuple[str, str]], until_ns: int, now_ms: int
) -> None:
    """Tombstones for (kind, name) of one project."""
    key = salt(store)
    rows = [
        TombstoneRow(project, kind, digest(key, kind, name), until_ns, now_ms)
        for kind, name in named
    ]
    for at in range(0, len(rows), 100_000):
        store.insert("tombstones", rows[at : at + 100_000])


@across_projects("whether anything was deleted")
def stamp(store: Store) -> tuple[Any, ...]:
    """Changes whenever a tombstone is added."""
    (row,) = store.rows("SELECT count() AS n, max(deleted_at) AS last FROM tombstones")
    return (row["n"], row["last"])


@across_projects("hashes that a collector heeds")
def read(store: Store) -> Tombstones:
    """All tombstones of all projects."""
    found: dict[str, dict[tuple[str, str], int]] = {}
    key = b""
    for row in store.rows(
        """
        SELECT toString(project) AS project, toString(kind) AS kind, digest, max(until_ns) AS until
        FROM tombstones GROUP BY project, kind, digest
        """
    ):
        if row["kind"] == SALT:
            key = bytes.fromhex(row["digest"])
        else:
            found.setdefault(row["project"], {})[row["kind"], row["digest"]] = int(row["until"])
    return Tombstones(key, found)
