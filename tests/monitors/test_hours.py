"""Streams of hours keep to the shared budget on quiet traffic, and find large changes in hours."""

from __future__ import annotations

import numpy as np
import pytest

from bench.streams import ours, quiet
from monitors.drift.e_bh import e_bh
from monitors.drift.e_detector import threshold
from monitors.drift.hours import Hours
from monitors.drift.together import Run, together

HISTORY = 14


@pytest.mark.parametrize("kind", ["cycle", "ar1"])
def test_quiet_streams_of_hours_and_days_keep_to_one_budget(kind: str) -> None:
    """One month of 400 streams at 0.5 episodes: 4 or more have a chance below 2e-3."""
    found = ours(quiet(kind, HISTORY + 30, np.random.default_rng(21)), HISTORY, 0.5, 0.0)
    assert len({hour for _, hour in found}) < 4


def test_a_large_drop_is_found_within_hours_and_dated() -> None:
    y = quiet("cycle", 28, np.random.default_rng(22)).hours[:50]
    flat = y.reshape(50, -1)
    flat[7, 24 * 25 + 11 :] -= 0.3
    hours = Hours(flat, np.arange(28) % 7, 24, np.zeros(50))
    (found,) = together([Run(hours, 28 * 24, 1, threshold(50, 0.5, 24))])
    assert (found.alarm.stream, found.alarm.onset) == (7, 24 * 25 + 11)
    assert found.hour <= 24 * 25 + 11 + 6
    assert found.alarm.low < -0.3 < found.alarm.high


def test_a_stream_of_few_comparable_windows_is_not_judged() -> None:
    y = quiet("iid", 13, np.random.default_rng(23)).hours[:5].reshape(5, -1)
    y[:, 24 * 12 :] -= 10
    hours = Hours(y, np.arange(13) % 7, 24, np.zeros(5))
    assert together([Run(hours, 13 * 24, 1, 1.0)]) == []


def test_e_bh_rejects_together_what_alone_would_not_be() -> None:
    assert e_bh(np.array([0.5, 0.1, 0.6, 0.2])).tolist() == [2, 0]
    assert e_bh(np.array([0.9, 0.3, 0.2])).tolist() == []
    assert e_bh(np.zeros(0)).tolist() == []


def test_e_bh_keeps_the_false_discovery_rate_under_dependence() -> None:
    """200 draws of 50 dependent e-values without any change, level 0.1: 20 expected at most."""
    random = np.random.default_rng(3)
    shared, own = random.normal(size=(200, 1)), random.normal(size=(200, 50))
    z = 0.8 * shared + 0.6 * own
    e_values = np.exp(2 * z - 2)  # a likelihood ratio: expectation 1
    assert sum(len(e_bh(each / (50 / 0.1))) > 0 for each in e_values) <= 20
