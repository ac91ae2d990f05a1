"""Small sums of money keep digits that say something."""

from __future__ import annotations

import math

import pytest

from ui.overview.traffic import places


@pytest.mark.parametrize(
    ("half", "told"),
    [(12.3, 2), (0.5, 2), (0.0123, 3), (0.0000048, 7), (1e-12, 9), (0.0, 5), (math.nan, 5)],
)
def test_half_an_interval_has_two_digits(half: float, told: int) -> None:
    assert places(half) == told
