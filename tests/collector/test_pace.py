"""Segments grow with the number of ClickHouse's parts, and seal as before once it has merged."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from collector import pace
from collector.pace import EASY, LARGEST, factor, keep_pace
from collector.segment import declared
from collector.spool import Limits, Spool
from schemas.clickhouse import Store
from schemas.queries.ingest import busiest_partition
from schemas.settings import Settings
from tests.conftest import wait_until


def test_the_factor_grows_from_one_to_its_ceiling() -> None:
    assert factor(0) == factor(EASY) == 1.0
    assert 1.0 < factor(EASY + 10) < factor(EASY + 100) < LARGEST
    assert factor(3000) == LARGEST


def test_a_paced_spool_seals_later_and_larger(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0, spans=10, age=3600))
    spool.pace(3.0)
    for _ in range(30):
        spool.append(b"x", 1)
    wait_until(lambda: len(spool.sealed()) == 1, "it is sealed")
    spool.pace(1.0)
    for _ in range(10):
        spool.append(b"x", 1)
    wait_until(lambda: len(spool.sealed()) == 2, "it is sealed")
    assert [declared(path) for path in spool.sealed()] == [30, 10]
    spool.close()


def test_the_pace_follows_what_clickhouse_says(
    settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert busiest_partition(store) > 0
    told: list[float] = []
    stop = threading.Event()

    class Paced(Spool):
        def pace(self, factor: float) -> None:
            told.append(factor)
            stop.set()

    monkeypatch.setattr(pace, "SECONDS", 0.01)
    monkeypatch.setattr(pace, "busiest_partition", lambda _store: 600)
    spool = Paced(tmp_path, Limits(free_floor=0))
    keep_pace(settings, [spool], stop)
    assert told == [factor(600)]
    spool.close()
