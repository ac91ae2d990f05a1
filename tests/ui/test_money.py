"""Small sums of money keep digits that say something."""

from __future__ import annotations

import math

import pytest

from ui.money import places, said


@pytest.mark.parametrize(
    ("half", "told"),
    [(12.3, 2), (0.5, 2), (0.0123, 3), (0.0000048, 7), (1e-12, 9), (0.0, 5), (math.nan, 5)],
)
def test_half_an_interval_has_two_digits(half: float, told: int) -> None:
    assert places(half) == told


@pytest.mark.parametrize(
    ("usd", "priced", "told"),
    [(1.5, True, "$ 1.5000"), (1234.5, True, "$ 1,234.5000"), (0.000022, True, "$ 0.000022"),
     (0.0, True, "$ 0.0000"), (0.0, False, "no price")],
)  # fmt: skip
def test_what_costs_something_is_never_zero(usd: float, priced: bool, told: str) -> None:
    assert said(usd, priced) == told
