"""Spans of a deleted user that come late name traces nobody knew to be theirs: those go, too."""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from collector.keeping import FRESH, SECONDS, Keeper, Naming
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries import deletion, tombstones
from schemas.settings import Settings
from schemas.tombstones import FOR_EVER

log = logging.getLogger("assay.collector")


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """One deletion at a time: each changes the tables' settings while it runs."""
    with (settings.home / "delete.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def erase(keeper: Keeper, settings: Settings, naming: Naming, stop: threading.Event) -> None:
    """Delete the traces that were noted until now. Raises Retryable, Permanent."""
    found: dict[str, list[tuple[str, str]]] = {}
    for project, trace_id in keeper.take_late():
        found.setdefault(project, []).append(("trace", trace_id))
    if not found:
        return
    try:
        store = clickhouse.connect(settings)
        for project, ids in found.items():
            tombstones.bury(store, project, ids, FOR_EVER, time.time_ns() // 10**6)
        stop.wait(2 * FRESH)  # until no collector writes what a tombstone covers
        with alone(settings):
            for project, ids in found.items():
                names = deletion.Names(naming.session, naming.user)
                if deletion.erase(store, project, ids, names):
                    log.warning("replaced parts of what came late go with the next merge")
                log.warning("%d traces of deleted users or sessions came late and were deleted",
                            len(ids))  # fmt: skip
        store.close()
    except (Retryable, Permanent):
        for project, ids in found.items():
            for _, trace_id in ids:
                keeper.late(project, trace_id)
        raise


def run(keeper: Keeper, settings: Settings, naming: Naming, stop: threading.Event) -> None:
    """Every few seconds until `stop`."""
    while not stop.wait(SECONDS):
        try:
            erase(keeper, settings, naming, stop)
        except (Retryable, Permanent, OSError) as error:
            log.warning("traces of deleted users wait to be deleted: %s", error)
