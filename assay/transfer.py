"""`assay backup`, `assay restore`, `assay copy`: all data out, in, or to another ClickHouse.

A backup is a folder: `manifest.json`, and each table in pieces of some ten thousand rows in
ClickHouse's Native format, compressed with gzip. Every piece is added under a token of its own,
so that a restore or a copy that was cut off can be run again.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.hours.keeping import forget_all
from schemas.migrate import migrate
from schemas.queries import transfer
from schemas.queries.ingest import stored_by_ledger
from schemas.queries.transfer import Piece
from schemas.settings import Settings

MANIFEST = "manifest.json"


class TransferError(RuntimeError):
    """It cannot go on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a store holds: items by signal and project in its ledger, distinct spans by project."""

    ledger: dict[str, dict[str, int]]
    spans: dict[str, int]


def account(store: Store) -> Account:
    return Account(stored_by_ledger(store), transfer.distinct_spans(store))


def missing(before: Account, after: Account) -> list[str]:
    """Sentences for what `after` lacks of `before`; more than before is no fault."""
    found = []
    for signal, projects in before.ledger.items():
        for project, count in projects.items():
            held = after.ledger.get(signal, {}).get(project, 0)
            if held < count:
                found.append(f"{signal} of {project}: the ledger says {count}, there are {held}")
    for project, count in before.spans.items():
        held = after.spans.get(project, 0)
        if held < count:
            found.append(f"spans of {project}: {count} distinct ones, there are {held}")
    return found


def backup(store: Store, folder: Path, say: Callable[[str], None]) -> Account:
    """Write all tables into an empty folder. Raises TransferError, Retryable, Permanent."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise TransferError(f"{folder} is not empty: name a new folder")
    before = account(store)
    listed = []
    for table in transfer.tables(store):
        names, rows = transfer.columns(store, table), 0
        for piece in transfer.pieces(store, table):
            data = transfer.read(store, piece)
            with gzip.open(folder / f"{piece.name}.native.gz", "wb", compresslevel=3) as file:
                file.write(data)
            listed.append({**asdict(piece), "columns": names})
            rows += piece.rows
        say(f"  {table}: {rows} rows")
    manifest = {"format": 1, "pieces": listed, "account": asdict(before)}
    draft = folder / "manifest.new"
    draft.write_text(json.dumps(manifest, indent=1))
    draft.replace(folder / MANIFEST)  # last: a folder without it is no backup
    return before


def restore(store: Store, folder: Path, say: Callable[[str], None]) -> Account:
    """Add a backup to a store without spans, or one that a restore was cut off in. Raises
    TransferError, Retryable, Permanent."""
    path = folder / MANIFEST
    if not path.exists():
        raise TransferError(f"{path} is missing: this is no backup, or one that was cut off")
    manifest: dict[str, Any] = json.loads(path.read_text())
    before = Account(**manifest["account"])
    if transfer.holds_data(store) and not _begun(store, before):
        raise TransferError("this store holds other spans: restore into a new ASSAY_HOME")
    migrate(store)
    for entry in manifest["pieces"]:
        names = entry.pop("columns")
        piece = Piece(**entry)
        with gzip.open(folder / f"{piece.name}.native.gz", "rb") as file:
            data = file.read()
        if piece.rows:
            transfer.write(store, piece.table, names, data, f"restore/{folder.name}/{piece.name}")
    forget_all(store)
    say(f"  {len(manifest['pieces'])} pieces added")
    _hold(before, account(store))
    return before


def _begun(store: Store, before: Account) -> bool:
    """True where the store only holds projects of the backup, not more of each."""
    held = transfer.distinct_spans(store)
    return all(count <= before.spans.get(project, -1) for project, count in held.items())


def copy(source: Store, target: Store, say: Callable[[str], None]) -> Account:
    """Add all of one store to another. Raises TransferError, Retryable, Permanent."""
    before = account(source)
    migrate(target)
    for table in transfer.tables(source):
        names, rows = transfer.columns(source, table), 0
        for piece in transfer.pieces(source, table):
            if piece.rows:
                data = transfer.read(source, piece)
                transfer.write(target, table, names, data, f"copy/{piece.name}/{piece.rows}")
                rows += piece.rows
        say(f"  {table}: {rows} rows")
    forget_all(target)
    _hold(before, account(target))
    return before


def _hold(before: Account, after: Account) -> None:
    lost = missing(before, after)
    if lost:
        raise TransferError("the ledger does not agree: " + "; ".join(lost))


def run(settings: Settings, action: str, place: str) -> int:
    """One of the three commands; the exit code."""
    try:
        store = clickhouse.connect(settings)
        if action == "backup":
            done = backup(store, Path(place), print)
        elif action == "restore":
            done = restore(store, Path(place), print)
        else:
            done = copy(store, Store(place), print)
    except (TransferError, Retryable, Permanent, OSError) as error:
        print(f"assay {action}: {error}", file=sys.stderr)
        return 1
    spans = sum(done.spans.values())
    print(f"{spans} spans of {len(done.spans)} projects; the ledger agrees")
    return 0
