"""Control documents: append-only versions, the latest wins."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.models import ControlRow
from schemas.queries.scope import across_projects


@across_projects("control state is the installation's")
def append(store: Store, row: ControlRow) -> None:
    """Add a version. Of two writers of one version the first wins: the token is the version."""
    store.insert("control", [row], f"control/{row.kind}/{row.name}/{row.version}")


@across_projects("control state is the installation's")
def latest(store: Store) -> list[dict[str, Any]]:
    """The last version of every document, deleted ones too: the columns of ControlRow."""
    return store.rows(
        "SELECT * FROM control ORDER BY kind, name, version DESC LIMIT 1 BY kind, name"
    )


@across_projects("the audit log is the operator's")
def history(store: Store) -> list[dict[str, Any]]:
    """Every version, newest first: who changed what, and when."""
    return store.rows("SELECT * FROM control ORDER BY changed_at DESC, kind, name, version DESC")
