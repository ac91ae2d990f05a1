"""Weighted, clustered means hold the truth and say how much they rest on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.estimates.means import sums, weighted, worst


def test_items_that_were_rarely_drawn_count_for_those_that_were_not() -> None:
    values = np.array([1.0] * 100 + [0.0] * 100)
    chances = np.array([1.0] * 100 + [0.1] * 100)
    found = weighted(sums(values, chances, np.arange(200.0)))
    assert found.mean == pytest.approx(100 / 1100)
    assert found.low < 100 / 1100 < found.high
    assert found.items == 200


def test_a_session_that_repeats_itself_counts_about_once() -> None:
    draw = np.random.default_rng(3)
    sessions = draw.random(200).round()
    found = weighted(sums(np.repeat(sessions, 10), np.ones(2000), np.repeat(np.arange(200.0), 10)))
    assert (found.items, found.units) == (2000, 200)
    assert found.effective == pytest.approx(200, rel=0.05)
    apart = weighted(sums(np.repeat(sessions, 10), np.ones(2000), np.arange(2000.0)))
    assert apart.effective == pytest.approx(2000, rel=0.01)
    assert found.high - found.low > 2.5 * (apart.high - apart.low)


def test_the_interval_holds_the_truth_with_sessions_and_unequal_chances() -> None:
    """400 samples of 120 sessions of 5: nominal 95%, at least 92% in so few runs (seed 7)."""
    draw, held = np.random.default_rng(7), 0
    for _ in range(400):
        rate = draw.beta(4, 1, 120)
        values = (draw.random((120, 5)) < rate[:, None]).astype(float).ravel()
        chances = draw.choice([0.3, 1.0], 600)
        units = np.repeat(np.arange(120.0), 5)
        kept = draw.random(600) < chances
        found = weighted(sums(values[kept], chances[kept], units[kept]))
        held += found.low <= 0.8 <= found.high
    assert held >= 0.92 * 400


def test_nothing_scored_is_no_mean_and_all_alike_is_no_certainty() -> None:
    nothing = weighted(sums(np.array([]), np.array([]), np.array([])))
    assert math.isnan(nothing.mean) and (nothing.low, nothing.high) == (0.0, 1.0)
    alike = weighted(sums(np.ones(30), np.ones(30), np.arange(30.0)))
    assert (alike.mean, alike.method) == (1.0, "betting") and 0.7 < alike.low < 0.95


def test_over_two_in_a_hundred_errors_the_worst_case_is_said() -> None:
    assert worst(0.7, 0.8, 98, 2) is None
    assert worst(0.7, 0.8, 90, 10) == pytest.approx((0.63, 0.82))
