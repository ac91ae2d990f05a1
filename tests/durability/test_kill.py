"""kill -9 of collector and store under load: each acknowledged span is stored once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.conftest import free_port, spawn
from tests.durability.harness import Load, Site


@pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_every_acknowledged_span_is_stored_once_through_kills(tmp_path: Path, rounds: int) -> None:
    dice = random.Random(rounds)
    with Site(tmp_path) as site:
        with Load(site) as load:
            for number in range(rounds):
                load.more(200)
                time.sleep(dice.uniform(0, 1.5))
                who = ("collector", "store", "both")[number % 3]
                if who != "store":
                    site.kill_collector()
                if who != "collector":
                    site.kill_store()
                    if who == "store":
                        load.more(200)  # intake goes on while the store is away
                    site.start_store()
                if who != "store":
                    site.start_collector()
        assert set(load.statuses) <= {0}, "only connections that broke are retried"
        site.settle(load.acknowledged)
        assert site.metrics()["written"] == site.counted()


def test_a_collector_that_is_killed_while_the_store_is_away_keeps_what_waits(
    tmp_path: Path,
) -> None:
    with Site(tmp_path) as site:
        with Load(site) as load:
            load.more(200)
            site.kill_store()
            for _ in range(2):
                load.more(500)
                site.kill_collector()
                site.start_collector()
        assert site.metrics()["waiting"] > 900
        site.start_store()
        site.settle(load.acknowledged)
        assert site.metrics()["written"] == site.counted()


def test_an_orderly_stop_and_a_second_collector_cost_nothing(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        with Load(site) as load:
            load.more(200)
            ports = {name: str(free_port()) for name in site.environ if "OTLP" in name}
            second = spawn("collector", {**site.environ, **ports}, tmp_path / "second.log")
            assert second.wait(60) == 1
            assert "in use by another collector" in (tmp_path / "second.log").read_text()
            load.more(200)
            assert site.collector is not None
            site.collector.terminate()
            assert site.collector.wait(60) == 0
            site.start_collector()
            load.more(200)
        # 1 is CANCELLED, which gRPC gives to calls that a stopping server has not taken up, and
        # which is among the codes that OTLP's clients retry.
        assert set(load.statuses) <= {0, 1, 503}
        site.settle(load.acknowledged)
        assert site.metrics()["written"] == site.counted()
