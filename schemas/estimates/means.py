"""The mean of scores that were drawn with known probabilities, and how far it may be off.

Weights are inverse probabilities (Horvitz and Thompson 1952, as a ratio: Hajek 1971); the unit is
the session, since what is said in one conversation resembles itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, stdtrit

from schemas.estimates.corrected import ENOUGH, RARE, corrected
from schemas.estimates.units import Floats, Units, Whole

MANY_ERRORS = 0.02  # from this share on a mean's worst case is said beside it


@dataclass(frozen=True, slots=True)
class Sums:
    """Per unit, over its scored items: how many, weight, value and value squared times weight,
    whether one is good (from 0.5) and whether one is bad. Arrays of one length."""

    items: Floats
    weight: Floats
    value: Floats
    square: Floats
    good: Floats
    bad: Floats


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean in [0, 1] with its 95% interval, NaN without items. `effective`: independent items
    of equal weight that would tell as much; `method` is 't' or 'betting'."""

    mean: float
    low: float
    high: float
    items: int
    units: int
    effective: float
    method: str


def sums(values: Floats, probability: Floats, units: Floats) -> Sums:
    """Gather items (value in [0, 1], probability in (0, 1], unit as a number from 0)."""
    weight = 1 / probability
    count = int(units.max()) + 1 if len(units) else 0
    of = units.astype(int)

    def add(each: Floats) -> Floats:
        return np.bincount(of, each, count).astype(np.float64)

    good = (values >= 0.5).astype(np.float64)
    return Sums(
        add(np.ones_like(values)), add(weight), add(weight * values), add(weight * values**2),
        np.minimum(add(good), 1.0), np.minimum(add(1 - good), 1.0),
    )  # fmt: skip


def weighted(found: Sums, alpha: float = 0.05) -> Mean:
    """The weighted mean; quantiles of t over units, or betting where there are few of a kind."""
    if not len(found.items):
        return Mean(float("nan"), 0.0, 1.0, 0, 0, 0.0, "")
    none = np.zeros_like(found.weight)
    rare = min(float(found.good.sum()), float(found.bad.sum()))
    units = Units(
        found.weight, found.value, none, none, np.array(0.0), np.array(0.0), np.array(rare)
    )
    made = corrected(units, alpha, judged=False)
    total = found.weight.sum()
    mean = float(found.value.sum() / total)
    return Mean(
        mean, min(mean, float(made.low)), max(mean, float(made.high)), int(found.items.sum()),
        units.count, _effective(found, mean), str(made.method),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moments(Whole):
    """`Sums` of so many units that only sums over them are read; beside those of `Whole`: of the
    items' squared values, and how many units have a good item, and a bad one."""

    square: float
    good: int
    bad: int

    @property
    def enough(self) -> bool:
        """Whether `of_moments` gives what `weighted` would, by quantiles of t."""
        return self.w**2 >= ENOUGH * self.ww and min(self.good, self.bad) >= RARE


def of_moments(found: Moments, alpha: float = 0.05) -> Mean:
    """`weighted` of units that are known by their sums; for `enough` of them."""
    mean, alike = found.mean, found.w**2 / found.ww
    error = found.spread * found.units / (found.units - 1)
    reach = float(stdtrit(alike - 1, 1 - alpha / 2)) * np.sqrt(error) / (mean * (1 - mean))
    low, high = expit(logit(mean) - reach), expit(logit(mean) + reach)
    spread = found.square / found.w - mean**2
    effective = alike
    if spread > 1e-12 and error > 0:
        effective = max(1.0, min(float(found.items), spread / error))
    return Mean(mean, float(low), float(high), found.items, found.units, effective, "t")


def _effective(found: Sums, mean: float) -> float:
    """The spread of single items over the squared error of the mean; at most all items, at least
    one. Where all say the same, the units of equal weight, since nothing tells items apart."""
    total, count = found.weight.sum(), len(found.items)
    alike = float(total**2 / (found.weight**2).sum())
    spread = float(found.square.sum() / total - mean**2)
    if spread <= 1e-12 or count == 1:
        return alike
    off = found.value - mean * found.weight
    error = float((off**2).sum() / total**2) * count / (count - 1)
    most = float(found.items.sum())
    return max(1.0, min(most, spread / error)) if error > 0 else most


def worst(low: float, high: float, scored: float, lost: float) -> tuple[float, float] | None:
    """The interval were every error a 0 below and a 1 above; None up to 2% of errors. `scored` and
    `lost` are sums of weights: failures are not missing at random."""
    share = lost / (scored + lost) if scored + lost else 0.0
    if share <= MANY_ERRORS:
        return None
    return low * (1 - share), high * (1 - share) + share
