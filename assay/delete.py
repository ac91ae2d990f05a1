"""`assay delete`: a trace, session, user or project, out of every table and file, for good.

First a tombstone, so that no collector writes what is deleted; once every collector knows it, the
files are cleaned, then the tables; then it is counted that nothing is left.
"""

from __future__ import annotations

import getpass
import json
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from collector.keeping import FRESH, Kept
from collector.late import alone
from collector.ledger import ITEMS
from collector.mentions import Mentions, read
from collector.purge import purge, waits
from collector.signals.base import Signal
from collector.signals.standard import standard
from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.models import ControlRow
from schemas.queries import control, deletion, tombstones
from schemas.queries.deletion import Names
from schemas.retention import Retentions
from schemas.settings import Settings
from schemas.tombstones import FOR_EVER

Say = Callable[[str], None]
Ids = list[tuple[str, str]]
Signals = Mapping[str, Signal]
LIMIT = 600.0  # seconds that collectors get to drain what waits


class DeletionError(RuntimeError):
    """It is not complete; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to go: one of schemas.tombstones.KINDS by name, in a project."""

    kind: str
    name: str
    project: str


def run(settings: Settings, kind: str, name: str, project: str, dry_run: bool, yes: bool) -> int:
    """Returns the exit code: 0 deleted (or nothing to delete), 1 not complete, 2 wrong use."""
    if kind == "project":
        project = name
    if not project:
        print(f"assay: `assay delete {kind} NAME` takes --project P", file=sys.stderr)
        return 2
    wanted = Wanted(kind, name, project)
    signals = standard()
    names = _names(signals)
    try:
        store = clickhouse.connect(settings)
        ids = everything(store, settings, wanted, signals)
        found = deletion.count(store, project, ids, names)
        for table, rows in sorted(found.items()):
            if rows:
                print(f"  {table:12} {rows} rows")
        print(f"{sum(found.values())} rows of {kind} {name}")
        if dry_run:
            return 0
        if not yes and not _agreed(name):
            print("assay: nothing was deleted", file=sys.stderr)
            return 2
        erase(store, settings, wanted, signals, print)
        store.close()
    except (Retryable, Permanent, DeletionError, OSError) as error:
        print(f"assay: {error}; run the same command again to complete it", file=sys.stderr)
        return 1
    print(f"deleted: no row, no old part and no waiting item of {kind} {name} is left")
    return 0


def _agreed(name: str) -> bool:
    if not sys.stdin.isatty():
        print("assay: deletion cannot be undone; --yes says that it is meant", file=sys.stderr)
        return False
    return input(f"This cannot be undone. Type {name} to delete it: ") == name


def everything(store: Store, settings: Settings, wanted: Wanted, signals: Signals) -> Ids:
    """(kind, name) of all that goes with it, stored or waiting; empty for a whole project."""
    if wanted.kind == "project":
        return []
    if wanted.kind == "trace":
        return [("trace", wanted.name)]
    names, waiting = _names(signals), Mentions()
    for lane in _lanes(settings.spool):
        read(lane, signals[lane.name], wanted.project, waiting)
    own = (wanted.kind, wanted.name)
    traces, sessions = deletion.resolve(store, wanted.project, *own, names)
    traces |= waiting.traces({own})
    if wanted.kind == "user":
        for each in waiting.sessions(traces) - sessions:
            traces |= deletion.resolve(store, wanted.project, "session", each, names)[0]
            sessions.add(each)
        traces |= waiting.traces({("session", each) for each in sessions})
    held = {own} | {("session", each) for each in sessions}
    return sorted(held | {("trace", each) for each in traces})


def _names(signals: Signals) -> Names:
    naming = signals["traces"].naming
    return Names(naming.session, naming.user)


def _lanes(spool: Path) -> list[Path]:
    return sorted(path for path in spool.glob("*/*") if path.is_dir() and path.name in ITEMS)


def erase(store: Store, settings: Settings, wanted: Wanted, signals: Signals, say: Say) -> None:
    """Delete and prove it. Raises DeletionError, Retryable, Permanent, OSError."""
    until = max(time.time_ns(), deletion.latest(store, wanted.project))
    ids: Ids = []
    while True:  # what is stored while the tombstones become known is found by the next look
        more = everything(store, settings, wanted, signals)
        if ids and not set(more) - set(ids):
            break
        ids = sorted({*ids, *more})
        _bury(store, wanted, ids, until)
        _settle(store, 2 * FRESH)
        if not ids:
            break
    kept = Kept(Retentions(), tombstones.read(store))
    since, names = time.time(), _names(signals)
    _drained(_files(settings.spool, signals, kept, say), since, say)
    with alone(settings):
        parts = deletion.erase(store, wanted.project, ids, names)
        _files(settings.spool, signals, kept, say)  # what writers put aside meanwhile
        left = sum(deletion.count(store, wanted.project, ids, names).values())
        if left:
            raise DeletionError(f"{left} rows are still there")
        if parts:
            raise DeletionError(f"{parts} replaced parts are still on disk")
    _audit(store, wanted, len(ids))


def _bury(store: Store, wanted: Wanted, ids: Ids, until: int) -> None:
    now_ms = time.time_ns() // 10**6
    lasting = [one for one in ids if one[0] == "trace"]
    others = [one for one in ids if one[0] != "trace"]
    if wanted.kind == "project":
        others = [("project", "")]
    tombstones.bury(store, wanted.project, lasting, FOR_EVER, now_ms)
    tombstones.bury(store, wanted.project, others, until, now_ms)


def _settle(store: Store, seconds: float) -> None:
    """Wait until no writer knows less than was buried, and none that knew less still inserts."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        time.sleep(0.2)
    while deletion.inserting(store) > time.monotonic() - began - FRESH:
        if time.monotonic() - began > LIMIT:
            raise DeletionError("an INSERT has been running for minutes")
        time.sleep(0.2)


def _files(spool: Path, signals: Signals, kept: Kept, say: Say) -> list[Path]:
    """Clean all lanes; those that a running collector has to work off."""
    owned = []
    for lane in _lanes(spool):
        done = purge(lane, signals[lane.name], kept)
        if done.items or done.files:
            say(f"  {lane.name}: {done.items} waiting items and {done.files} kept files")
        if done.owned:
            owned.append(lane)
    return owned


def _drained(lanes: list[Path], since: float, say: Say) -> None:
    """Wait until collectors have written, or refused, what waited at `since` (unix time)."""
    deadline, told = time.monotonic() + LIMIT, False
    while any(waits(lane, since) for lane in lanes):
        if time.monotonic() > deadline:
            raise DeletionError("items still wait in the spool")
        if not told:
            say("  waiting until the collectors have worked off what waits ...")
            told = True
        time.sleep(0.3)


def _audit(store: Store, wanted: Wanted, count: int) -> None:
    """Who deleted, when, and of what kind; not whom: that was deleted, too."""
    name = wanted.project if wanted.kind == "project" else f"{wanted.project}/{wanted.kind}"
    said = json.dumps({"kind": wanted.kind, "project": wanted.project, "ids": count})
    author = f"{getpass.getuser()} (assay delete)"
    row = ControlRow("deletion", f"{name}/{uuid.uuid4().hex[:8]}", 1, "command", author, said, 0,
                     time.time_ns() // 10**6)  # fmt: skip
    control.append(store, row)
