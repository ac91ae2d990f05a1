"""The daily detector keeps its rate on quiet streams of every kind, and dates what changes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.streams import quiet as hourly
from monitors.drift.e_detector import HISTORY, Days, detect, threshold

WEEK = (np.arange(60) % 7 >= 5).astype(np.int64)
C = threshold(400)


def quiet(kind: str, days: int, random: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(hourly(kind, days, random).hours.mean(2), np.float64)


def _detect(y: NDArray[np.float64], c: float, margin: float = 0.0) -> list[tuple[int, int, int]]:
    found = detect(y, WEEK[: y.shape[1]], np.zeros(len(y), np.int64), np.full(len(y), margin), c)
    return [(alarm.stream, alarm.block, alarm.onset) for alarm in found]


@pytest.mark.parametrize("kind", ["iid", "sessions", "cycle", "ar1"])
def test_quiet_streams_keep_to_the_budget(kind: str) -> None:
    """Four months of 400 streams: 2 alarms are in the budget; over 7 has a chance of 1e-3."""
    random = np.random.default_rng(11)
    months = [quiet(kind, HISTORY + 30, random) for _ in range(4)]
    assert sum(len(_detect(y, C)) for y in months) <= 7


def test_a_lasting_drop_is_found_and_dated() -> None:
    y = quiet("cycle", 50, np.random.default_rng(3))
    y[7, 40:] -= 0.1
    found = _detect(y, C)
    assert [stream for stream, _, _ in found] == [7]
    assert abs(found[0][2] - 40) <= 1 and found[0][1] <= 44


def test_a_lasting_drop_is_not_hidden_by_its_own_days() -> None:
    """Four days at three to four standard deviations: as one spread with the days before, they
    would be usual."""
    y = quiet("iid", 60, np.random.default_rng(3))
    y[7, 40:] -= 0.07
    found = _detect(y, C, margin=0.02)
    assert [stream for stream, _, _ in found] == [7]
    assert abs(found[0][2] - 40) <= 1 and found[0][1] <= 50


@pytest.mark.parametrize(("margin", "moved"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.5, -0.5)])
def test_products_of_e_values_are_one_on_average_at_most_up_to_the_margin(
    margin: float, moved: float
) -> None:
    """Of a change that began six days ago; the unit is a standard deviation of a day."""
    y = np.random.default_rng(11).normal(0, 1, (4000, 24))
    y[:, 18:] += moved
    days = Days(y, WEEK[:24], np.zeros(len(y), np.int64), np.full(len(y), margin))
    for day in range(24):
        days.step(day)
    assert days.sums.mean() <= 24 - HISTORY
    products = days.products(18)[:, :2]  # the mildest shifts: others' means are of a few streams
    error = products.std(axis=0) / np.sqrt(len(y))
    assert (products.mean(axis=0) <= 1 + 3 * error).all()


def test_a_change_within_the_margin_is_none() -> None:
    y = quiet("iid", 50, np.random.default_rng(4))
    y[:, 40:] -= 0.04
    assert len(_detect(y, C)) > 200
    assert len(_detect(y, C, margin=0.05)) == 0


def test_days_without_traffic_are_left_out() -> None:
    y = quiet("iid", 50, np.random.default_rng(5))
    y[:, 10:50:9] = np.nan
    y[3, 41:] -= 0.1
    assert [stream for stream, _, _ in _detect(y, C)] == [3]


def test_a_stream_without_history_is_silent() -> None:
    y = np.full((2, 50), np.nan)
    y[:, 40:] = np.arange(10)
    assert _detect(y, threshold(2)) == []
    y[:] = 0.5  # nothing varies, so nothing can be judged
    assert _detect(y, threshold(2)) == []


def test_an_alarm_is_not_repeated_every_day() -> None:
    y = quiet("iid", 60, np.random.default_rng(6))
    y[0, 30:] -= 0.1
    assert len([s for s, _, _ in _detect(y, C) if s == 0]) == 1


def test_an_alarm_says_how_large_and_since_when() -> None:
    y = quiet("iid", 50, np.random.default_rng(7))
    y[0, 40:] += 0.1
    (alarm,) = detect(y, WEEK[:50], np.zeros(400, np.int64), np.zeros(400), C)
    assert alarm.earliest <= alarm.onset <= alarm.latest
    assert alarm.low < 0.1 < alarm.high and alarm.e_value >= C
    assert (alarm.blocks_before, alarm.blocks_before + alarm.blocks_after) == (
        alarm.onset,
        alarm.block + 1,
    )
