"""A ratio's interval is that of residuals of whole units, and groups of units keep it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.estimates.ratios import ratio
from schemas.estimates.shares import Z
from schemas.hours.groups import GROUPS

Floats = NDArray[np.float64]


def sums(w: Floats, v: Floats) -> dict[str, float]:
    return {"w": w.sum(), "v": v.sum(), "ww": w @ w, "vw": v @ w, "vv": v @ v}


def test_it_is_made_of_what_each_unit_leaves() -> None:
    w, v = np.array([1.0, 4.0, 2.0, 8.0]), np.array([0.5, 3.0, 0.4, 6.0])
    mean, half = ratio(sums(w, v), 4)
    assert mean == pytest.approx(9.9 / 15)
    left = v - mean * w
    assert half == pytest.approx(Z * math.sqrt((left @ left) * 4 / 3) / 15)


def test_one_unit_has_no_interval_and_unanimous_ones_have_the_rule_of_three() -> None:
    one = np.array([2.0])
    assert math.isnan(ratio(sums(one, one / 3), 1)[1]) and math.isnan(ratio(sums(one, one), 1)[1])
    w = np.array([1.0, 2.0, 3.0, 3.0])
    assert ratio(sums(w, w), 4) == (1.0, 0.75)
    assert ratio(sums(w, 0 * w), 4) == (0.0, 0.75)
    mean, half = ratio(sums(w, 0.3 * w), 4)  # the same, but no end of the scale
    assert mean == pytest.approx(0.3) and half == pytest.approx(0.0, abs=1e-6)


def test_one_group_tells_no_interval_however_many_units_it_holds() -> None:
    one = np.array([3.0])
    assert math.isnan(ratio(sums(one, one / 3), 2, groups=1)[1])
    assert ratio(sums(one, one), 6, groups=1) == (1.0, 0.5)


def test_groups_of_units_have_their_interval_within_a_tenth() -> None:
    draw = np.random.default_rng(3)
    w = draw.geometric(0.25, 20_000).astype(float)
    v = w * np.clip(draw.normal(0.7, 0.2, len(w)), 0, 1)
    at = draw.integers(0, GROUPS, len(w))
    grouped = (np.bincount(at, each).astype(float) for each in (w, v))
    mean, half = ratio(sums(w, v), len(w))
    found, rough = ratio(sums(*grouped), GROUPS)
    assert found == pytest.approx(mean) and rough == pytest.approx(half, rel=0.1)
