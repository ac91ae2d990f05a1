"""`assay apply` and `assay audit`: control state from assay.yaml, and who changed what."""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from assay.retention import follow
from schemas import clickhouse, control
from schemas.control import Change, ControlError, Key, Policy
from schemas.errors import Permanent, Retryable
from schemas.queries.control import history
from schemas.settings import Settings

# A digest tells nothing, but a log is read and copied by more people than the store is.
_DIGEST = re.compile(r'("(?:digest|hash)": "[^"]{0,6})[^"]*')


def load(settings: Settings) -> dict[Key, Policy] | None:
    """The file's documents, None where there is no file. Raises ControlError."""
    if not settings.config.exists():
        return None
    path = settings.config
    return control.parse(path.read_text(), path.name, path.parent)


def enforce(
    settings: Settings, documents: Mapping[Key, Policy], dry_run: bool = False
) -> list[Change]:
    """Apply the documents to the store that the settings name."""
    store = clickhouse.connect(settings)
    try:
        return control.apply(store, documents, f"{getpass.getuser()} (assay.yaml)", dry_run)
    finally:
        store.close()


def show(changes: Sequence[Change]) -> None:
    """One line per change."""
    for change in changes:
        after = json.dumps(asdict(change.after)) if change.after else "removed"
        before = json.dumps(asdict(change.before)) if change.before else "new"
        print(f"  {' '.join(change.key)}: {before} -> {after}")


def apply(settings: Settings, dry_run: bool) -> int:
    """Returns the exit code."""
    try:
        documents = load(settings)
        if documents is None:
            print(f"assay: there is no {settings.config}; see docs/settings.md", file=sys.stderr)
            return 1
        changes = enforce(settings, documents, dry_run)
    except (ControlError, Retryable, Permanent) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    show(changes)
    if not dry_run:
        try:
            store = clickhouse.connect(settings)
            follow(store, changes, print)
            store.close()
        except (Retryable, Permanent) as error:
            print(f"assay: stored rows have their old retention: {error}; see `assay retention`",
                  file=sys.stderr)  # fmt: skip
            return 1
    print(f"{len(changes)} to change (dry run)" if dry_run else f"{len(changes)} changed")
    return 0


def _shown(row: Mapping[str, Any]) -> str:
    return "removed" if row["deleted"] else _DIGEST.sub(r"\1...", row["document"])


def audit(settings: Settings) -> int:
    """Every change of every document, newest first: when, who, what, before and after."""
    try:
        rows = history(clickhouse.connect(settings))
    except (Retryable, Permanent) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    said = {(r["kind"], r["name"], r["version"]): _shown(r) for r in rows}
    for row in rows:
        before = said.get((row["kind"], row["name"], row["version"] - 1), "new")
        when = row["changed_at"].strftime("%Y-%m-%d %H:%M:%S")
        what = f"{row['kind']} {row['name']} v{row['version']}"
        print(f"{when}  {row['author']}  {what}: {before} -> {_shown(row)}")
    if not rows:
        print("control state was never changed")
    return 0
