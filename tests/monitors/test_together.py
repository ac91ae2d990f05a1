"""Block lengths share one budget, whatever streams there are of each."""

from __future__ import annotations

import numpy as np
import pytest

from monitors.drift.e_detector import Days
from monitors.drift.hours import Hours
from monitors.drift.together import SHARES, Run, thresholds, together


@pytest.mark.parametrize("streams", [{1: 40, 4: 60, 24: 90}, {1: 0, 4: 60, 24: 90}, {24: 3}])
def test_all_detectors_together_grow_by_the_budget_in_30_days(streams: dict[int, int]) -> None:
    c = thresholds(streams, 0.5)
    grown = sum(n * 30 * (24 // hours) / c[hours] for hours, n in streams.items())
    assert grown == pytest.approx(0.5)


def test_days_have_the_greatest_share_and_what_no_stream_uses() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)
    c = thresholds({1: 0, 4: 1, 24: 1}, 0.5)
    assert c[24] == pytest.approx(30 / 0.5 * 0.95 / 0.8)
    assert thresholds({1: 0, 4: 0, 24: 0}, 0.5)[24] > 0  # nothing is watched


def test_a_small_lasting_drop_is_found_by_days_and_a_great_one_within_the_day() -> None:
    random = np.random.default_rng(5)
    y = random.normal(0.7, 0.3 / np.sqrt(20), (50, 42, 24))
    y[0, 28:] -= 0.07
    y[1].reshape(-1)[28 * 24 + 10 :] -= 0.3
    weekday, margin = np.arange(42) % 7, np.full(50, 0.02)
    c = thresholds({1: 50, 24: 50}, 0.5)
    days = Days(y.mean(2), (weekday >= 5).astype(np.int64), np.zeros(50, np.int64), margin)
    hours = Hours(y.reshape(50, -1), weekday, 24, margin)
    found = together([Run(hours, 42 * 24, 1, c[1]), Run(days, 42, 24, c[24])])
    first = {rung.alarm.stream: rung for rung in reversed(found)}
    assert set(first) == {0, 1}
    assert (first[0].run, first[1].run) == (1, 0)
    assert first[1].hour <= 28 * 24 + 16
