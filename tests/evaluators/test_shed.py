"""Falling behind halves the probability, catching up doubles it, and it does not swing."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from evaluators import exposed
from evaluators.shed import CALM, HIGH, LOW, MOST, SETTLE, Shedder
from evaluators.tally import Tally, saved

KEY = ("shop", "helpful/trace")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_long_wait_halves_and_calm_doubles_with_a_gap_between() -> None:
    clock = Clock()
    shedder = Shedder(clock)
    assert shedder.factor(KEY, HIGH) == 1.0
    assert shedder.factor(KEY, HIGH + 1) == 0.5
    assert shedder.factor(KEY, HIGH + 1) == 0.5  # its effect is waited for
    clock.now += SETTLE
    assert shedder.factor(KEY, HIGH + 1) == 0.25
    for lag in (LOW, HIGH):  # between the two nothing changes, however long
        clock.now += 10 * CALM
        assert shedder.factor(KEY, lag) == 0.25
    assert shedder.factor(KEY, LOW - 1) == 0.25
    clock.now += CALM
    assert shedder.factor(KEY, LOW - 1) == 0.5
    clock.now += CALM / 2
    shedder.factor(KEY, LOW)  # calm is over: it begins anew
    clock.now += CALM / 2
    assert shedder.factor(KEY, 0) == 0.5
    clock.now += CALM
    assert shedder.factor(KEY, 0) == 1.0 == shedder.now(KEY)


def test_halvings_end_somewhere_and_keys_are_apart() -> None:
    clock = Clock()
    shedder = Shedder(clock)
    for _ in range(50):
        clock.now += SETTLE
        shedder.factor(KEY, HIGH * 2)
    assert shedder.now(KEY) == 0.5**MOST
    assert shedder.factor(("other", "helpful/trace"), 0) == 1.0


def test_lag_queue_and_probability_are_served_to_prometheus(tmp_path: Path) -> None:
    for worker in (0, 1):
        tally = Tally(worker)
        tally.saw("shop", "helpful", 40 + worker, 12.5, 0.25)
        tally.did("shop", "helpful", {"scored": 7, "error timeout": 2}, 1, 0)
        tally.save(tmp_path)
    (tmp_path / "evaluators-9.json").write_text("{torn")
    assert [state["worker"] for state in saved(tmp_path)] == [0, 1]
    server = exposed.listen("127.0.0.1", 0, tmp_path)
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            said = answer.read().decode()
        with pytest.raises(OSError):
            urllib.request.urlopen(f"{url}/other", timeout=10)
    finally:
        server.shutdown()
        server.server_close()
    where = 'project="shop",evaluator="helpful",worker="0"'
    assert f"assay_evaluator_lag_seconds{{{where}}} 12.5\n" in said
    assert f"assay_evaluator_queue{{{where}}} 31\n" in said
    assert f"assay_evaluator_probability{{{where}}} 0.25\n" in said
    assert f'_items_total{{{where},status="error",reason="timeout"}} 2\n' in said
    assert json.loads((tmp_path / "evaluators-0.json").read_text())["worker"] == 0
