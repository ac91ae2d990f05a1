"""The mean of a judge's scores, corrected by labels: with few labels, or few of the rarer kind,
by betting, which holds at any size, else by t quantiles, which are narrower."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.estimates import betting, ppi
from schemas.estimates.units import Floats, Units

ENOUGH = 100  # effective units
RARE = 10  # units with the rarer label
SHORTER = (
    0.98  # an interval by strata is taken from here on: what is chosen by its width covers less
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean in [0, 1] with its interval; `method` is 't', 't, by strata' or 'betting', by leading
    axes."""

    mean: Floats
    low: Floats
    high: Floats
    tuning: Floats
    method: np.ndarray[tuple[int, ...], np.dtype[np.str_]]


def corrected(units: Units, alpha: float = 0.05, judged: bool = True) -> Estimate:
    """The estimate at level 1 - alpha; `judged` False: labels alone, by the same rules."""
    found = ppi.point(units, None if judged else 0.0)
    low, high = ppi.interval(units, found, alpha)
    few = (units.effective < ENOUGH) | (units.rare < RARE) | np.isnan(low)
    if np.any(few):
        bet_low, bet_high = betting.interval(units, alpha, judged)
        low, high = np.where(few, bet_low, low), np.where(few, bet_high, high)
    mean = np.clip(found.mean, low, high)
    return Estimate(mean, low, high, found.tuning, np.where(few, "betting", "t"))


def best(units: Units, strata: Units | None, alpha: float = 0.05) -> Estimate:
    """The estimate by scores, or by strata of them where both are by t and strata make it
    `SHORTER`."""
    plain = corrected(units, alpha)
    if strata is None:
        return plain
    other = corrected(strata, alpha)
    shorter = (
        (plain.method == "t") & (other.method == "t")
        & (other.high - other.low < SHORTER * (plain.high - plain.low))
    )  # fmt: skip

    def either(theirs: Floats, own: Floats) -> Floats:
        return np.where(shorter, theirs, own)

    return Estimate(
        either(other.mean, plain.mean), either(other.low, plain.low),
        either(other.high, plain.high), either(other.tuning, plain.tuning),
        np.where(shorter, "t, by strata", plain.method),
    )  # fmt: skip
