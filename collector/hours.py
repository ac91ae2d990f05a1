"""Sums of closed hours, which pages read instead of rows, are made while the collector runs.

The first worker does it, a chunk at a time and with pauses, so that the store has time for others.
"""

from __future__ import annotations

import logging
import threading
import time

from collector.late import alone
from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.hours import keeping
from schemas.hours.keeping import Books
from schemas.hours.rolled import QUIET
from schemas.queries.spans import projects
from schemas.settings import Settings

log = logging.getLogger("assay.collector")
SECONDS = 60.0  # between looks
ALL = 3600.0  # seconds between looks at every project, also where nothing was stored
REST = 4.0  # times as long as it worked a look pauses where more is due


class Hours:
    """What is made, by project. For one thread."""

    def __init__(self, settings: Settings, stop: threading.Event, quiet: float = QUIET) -> None:
        self._settings = settings
        self._stop = stop
        self._quiet = quiet
        self._connection = clickhouse.Kept(settings)
        self._books: dict[str, Books] = {}
        self._looked_ms = 0
        self._all = -ALL

    def look(self) -> int:
        """Make a chunk of each table of each project that has some due; how many chunks wait.
        Raises Retryable, Permanent, OSError."""
        with self._connection.store() as store:
            left = 0
            for project in self._wanted(store):
                if self._stop.is_set():
                    break
                with alone(self._settings):  # else what a deletion takes out could come back
                    books = self._books.setdefault(project, Books())
                    left += keeping.keep(
                        store, project, books, quiet=self._quiet,
                        wanted=lambda: not self._stop.is_set(),
                    )  # fmt: skip
            return left

    def _wanted(self, store: Store) -> list[str]:
        """Projects that something was stored of, or that have hours to make."""
        now_ms = keeping.clock(store)
        since, self._looked_ms = self._looked_ms - 2000 * QUIET, now_ms
        if time.monotonic() - self._all >= ALL:
            self._all = time.monotonic()
            return projects(store)
        waiting = {
            project for project, books in self._books.items()
            if any(map(keeping.unmade, books.values()))
        }  # fmt: skip
        return sorted(waiting.union(keeping.stirred(store, max(0, since))))


def run(settings: Settings, stop: threading.Event) -> None:
    """Every minute until `stop`, sooner where more is due."""
    hours = Hours(settings, stop)
    pause = 5.0
    while not stop.wait(pause):
        begun = time.monotonic()
        try:
            left = hours.look()
        except (Retryable, Permanent, OSError) as error:
            log.warning("sums of closed hours wait to be made: %s", error)
            left = 0
        pause = SECONDS if not left else max(1.0, REST * (time.monotonic() - begun))
