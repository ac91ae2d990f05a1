"""The contract of every registered detector: seeded, quiet on quiet data, awake on a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from monitors.windows import units
from schemas.models import Observation
from schemas.registry import load

HOUR = 3600 * 10**9
DETECTORS = load("detector", "monitors.drift")
Run = Callable[[int, float, int], float]


def _scores(seed: int, shift: float) -> list[Observation]:
    draw = np.random.default_rng(seed)
    values = draw.normal(0.8, 0.1, 400) - shift * (np.arange(400) > 250)
    return [
        Observation(f"t{n}", f"s{n // 2}", n * HOUR // 8, float(v), {"model": "ab"[n % 2]})
        for n, v in enumerate(values)
    ]


@dataclass(frozen=True, slots=True)
class Case:
    """`p(data seed, size of the change, detector's seed)`."""

    p: Run


def _mean_shift(data: int, shift: float, seed: int) -> float:
    found = DETECTORS["mean_shift"](units(_scores(data, shift)), seed=seed)
    return float(found.p_value)


CASES = {"mean_shift": Case(_mean_shift)}


def test_every_detector_has_a_case() -> None:
    assert set(CASES) == set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_seed_makes_it_repeatable_and_p_is_never_zero(name: str) -> None:
    p = CASES[name].p
    assert p(1, 0.0, 7) == p(1, 0.0, 7)
    assert 0 < p(1, 2.0, 7) <= 0.001


@pytest.mark.parametrize("name", DETECTORS)
def test_p_values_on_quiet_data_are_not_small_more_often_than_they_say(name: str) -> None:
    """40 quiet sets at level 0.2: 8 expected; 17 or more has a chance below 0.001."""
    assert sum(CASES[name].p(100 + data, 0.0, 0) <= 0.2 for data in range(40)) < 17


@pytest.mark.parametrize("name", DETECTORS)
def test_its_docstring_says_what_must_hold(name: str) -> None:
    module = __import__(DETECTORS[name].__module__, fromlist=["*"])
    said = f"{module.__doc__} {DETECTORS[name].__doc__}"
    assert "exchangeable" in said
