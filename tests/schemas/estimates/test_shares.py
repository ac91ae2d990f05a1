"""Intervals of shares against published values."""

from __future__ import annotations

import pytest

from schemas.estimates.shares import difference, wilson


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263, and 0 of 20."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_the_interval_of_a_difference_is_the_published_one() -> None:
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 10: 56/70 less 48/80."""
    assert difference(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
