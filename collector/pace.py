"""How large segments grow: the more active parts ClickHouse has, the fewer INSERTs it gets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from collector.spool import Spool
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries.ingest import busiest_partition
from schemas.settings import Settings

log = logging.getLogger("assay.collector")
EASY = 100  # active parts of one partition; ClickHouse slows INSERTs at 1,000, refuses at 3,000
STEEP = 50
LARGEST = 20.0
SECONDS = 10.0


def factor(parts: int) -> float:
    """1 up to EASY parts, then growing to LARGEST at 1,050, where seals are 20 times rarer."""
    return min(LARGEST, 1.0 + max(0, parts - EASY) / STEEP)


def keep_pace(settings: Settings, spools: Sequence[Spool], stop: threading.Event) -> None:
    """Look every SECONDS; while ClickHouse is away the last factor stays."""
    connection = clickhouse.Kept(settings)
    while not stop.wait(SECONDS):
        try:
            with connection.store() as store:
                found = factor(busiest_partition(store))
        except (Retryable, Permanent) as error:
            log.debug("the number of parts cannot be read: %s", error)
            continue
        for spool in spools:
            spool.pace(found)
