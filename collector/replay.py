"""Kept segments that ClickHouse does not hold any more are stored again.

ClickHouse is asked for their names in `segments`, which an INSERT fills together with the rows: at
start for all of them, then every SECONDS for those stored since the last look and the newest one
before. A restore of an older state takes the end away, so it takes one of these; then all are asked
for. The ledger counts nothing twice, since it counted the segment when it was stored first.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.dead_letters import bury
from collector.gate import Gate
from collector.halves import Halves, Insert
from collector.kept import Kept, Shelf, note_names
from collector.lanes import DEAD, Lane
from collector.load import load
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries.ingest import lacking
from schemas.settings import Settings

log = logging.getLogger("assay.collector")
SECONDS = 30.0
SOON = 2.0
MOST = 4  # tries of one segment in one process; more would repeat a failure that nobody sees
Lacking = Callable[[Sequence[str]], set[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """A lane and the INSERT that its segments go through."""

    lane: Lane
    insert: Insert


class Replay:
    """Looks for what is kept and lacks, and stores it again."""

    def __init__(self, shelf: Shelf, sources: Mapping[Path, Source], lacking: Lacking) -> None:
        """`sources` by lane folder; `lacking` gives those of the names that ClickHouse lacks."""
        self._shelf, self._sources, self._lacking = shelf, sources, lacking
        self._all = True
        self._newest = 0.0
        self._tries: dict[Path, int] = {}

    def look(self) -> int:
        """One round; how many segments lacked. Only where none did, old ones expire: while
        ClickHouse is away nobody knows what it will hold. Raises Retryable, Permanent."""
        kept = self._shelf.segments()
        found = self._found(kept if self._all else [k for k in kept if k.since >= self._newest])
        if found and not self._all:
            self._all = True
            found = self._found(kept)
        for each in found:
            try:
                self._again(each)
            except FileNotFoundError:
                self._shelf.drop(each)  # purged
        self._all = bool(found)
        if kept:
            self._newest = kept[-1].since
        if not found:
            self._shelf.expire()
            self._tries.clear()
        return len(found)

    def _found(self, kept: Sequence[Kept]) -> list[Kept]:
        """Those of which ClickHouse lacks a part, without those that were tried in vain."""
        lack = self._lacking([name for each in kept for name in each.names]) if kept else set()
        return [
            each for each in kept
            if not lack.isdisjoint(each.names) and self._tries.get(each.path, 0) < MOST
        ]  # fmt: skip

    def _again(self, kept: Kept) -> None:
        """With the same token. One that was used in vain is used up: ClickHouse may remember the
        token of rows that it has no more, so the next try goes by another, which is noted."""
        source, path = self._sources[kept.path.parent.parent], kept.path
        note, tries = path.with_suffix(".again"), self._tries.get(path, 0)
        again = int(note.read_text()) if note.exists() else 0
        if tries:
            again += 1
            note.write_text(str(again))

        def insert(rows: Sequence[Any], token: str) -> None:
            source.insert(rows, f"{token}:replay:{again}" if again else token)

        gate = Gate(source.lane.signal, insert)
        loaded = load(path, source.lane.signal)
        if not gate.written(loaded.rows).total():
            self._shelf.drop(kept)  # all of it was deleted meanwhile
            return
        halves = Halves(gate.insert, loaded.token, path.with_suffix(".split"))
        halves.put(loaded.rows)
        self._tries[path] = tries + 1
        if halves.fresh:
            # Stored before, refused now: they change from one count to the other.
            bury(source.lane.folder / DEAD, loaded.token, halves.fresh)
            moved = Counter(dead.row.project for dead in halves.fresh)
            source.lane.ledger.add("dead", moved)
            source.lane.ledger.add("written", {p: -n for p, n in moved.items()})
            note_names(path, loaded.token, halves.names)
            self._shelf.rename(kept, halves.names)
        log.warning("ClickHouse lacked %s, which it had stored; it is sent again", path.name)
        if self._tries[path] == MOST:
            log.error("%s was sent %d times; if ClickHouse lacks it still, it stays", path, MOST)


def watch(
    settings: Settings, shelf: Shelf, sources: Mapping[Path, Source], stop: threading.Event
) -> None:
    """Look until `stop`; sooner again after something lacked and while ClickHouse is away."""

    connection = clickhouse.Kept(settings)

    def ask(names: Sequence[str]) -> set[str]:
        with connection.store() as store:
            return lacking(store, names)

    replay = Replay(shelf, sources, ask)
    pause = 0.0
    while not stop.wait(pause):
        pause = SOON
        try:
            if not replay.look():
                pause = max(SOON, min(SECONDS, settings.keep_seconds / 4))
        except (Retryable, Permanent) as error:
            log.debug("ClickHouse cannot be asked what it holds: %s", error)
        except Exception:
            # It must not cost data that comes later: the thread goes on and the log says why.
            log.exception("kept segments cannot be compared")
