"""Paired comparison: level and coverage by simulation, sessions as units, exact with few."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.estimates import paired
from schemas.estimates.paired import compare


def test_few_units_are_tested_exactly() -> None:
    found = compare(np.zeros(4), np.ones(4), list("abcd"))
    assert found.p_value == pytest.approx(2 / 16)
    assert (found.wins, found.losses, found.ties, found.units) == (4, 0, 0, 4)
    assert np.isnan(compare(np.zeros(4), np.ones(4), ["a"] * 4).low)


def test_copies_of_a_session_are_no_evidence() -> None:
    a, b = np.zeros(400), np.repeat([0.2, -0.1, 0.3, 0.1], 100)
    assert compare(a, b, list(np.repeat(list("abcd"), 100))).p_value > 0.1
    assert compare(a, b, [str(n) for n in range(400)]).p_value < 0.001


def test_level_and_coverage_hold_where_items_of_a_session_resemble_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """300 simulated comparisons, seed 5, 25 sessions of 1 to 6 items, true difference 0.1: within
    three binomial standard errors of 5% and 95%."""
    monkeypatch.setattr(paired, "ROUNDS", 999)
    draw = np.random.default_rng(5)
    false, inside, naive = 0, 0, 0
    for _ in range(300):
        sizes = draw.integers(1, 7, 25)
        units = np.repeat(np.arange(25), sizes)
        shared = np.repeat(draw.normal(0, 0.3, 25), sizes)
        a = draw.normal(0, 0.1, len(units))
        none, some = a + shared, a + shared + 0.1
        names = [str(unit) for unit in units]
        false += compare(a, none, names).p_value <= 0.05
        naive += compare(a, none, [str(n) for n in range(len(units))]).p_value <= 0.05
        found = compare(a, some, names)
        inside += found.low <= 0.1 <= found.high
    reach = 3 * (0.05 * 0.95 / 300) ** 0.5
    assert false / 300 <= 0.05 + reach
    assert 0.95 - reach - 0.02 <= inside / 300
    assert naive / 300 > 0.1, "items as units would cry wolf"


def test_without_a_pair_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no pair"):
        compare(np.array([]), np.array([]), [])


def test_many_units_need_no_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """6,000 units, seed 8: the normal p-value lies within three standard errors of 2,000 draws'."""
    draw = np.random.default_rng(8)
    gap = draw.standard_t(5, 6000) / 100
    gap += 0.0003 - gap.mean()
    names = [str(n) for n in range(6000)]
    found = compare(np.zeros(6000), gap, names).p_value
    monkeypatch.setattr(paired, "MANY", 10_000)
    monkeypatch.setattr(paired, "ROUNDS", 2000)
    drawn = compare(np.zeros(6000), gap, names).p_value
    assert 0.02 < found < 0.5
    assert abs(found - drawn) < 3 * np.sqrt(found * (1 - found) / 2000)
