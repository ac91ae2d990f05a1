"""Two runs over the same items: the mean difference with its interval, and a test that flips signs.

Items of one unit (a session) resemble each other, so units are what is compared, resampled and
flipped. The test holds at any size (Fisher's randomisation: under no difference each unit's sign is
as likely as the other); the interval is that of t over units' means, weighted by their items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import erfc, stdtrit

from schemas.estimates.units import Floats

ROUNDS = 20_000
EXACT = 14  # units up to which every flip is looked at
MANY, ALIKE = 5000, 0.001  # units, and fourth moment of their sum over its square, of a normal sum


@dataclass(frozen=True, slots=True)
class Paired:
    """`difference` is b less a, NaN bounds with one unit; wins, losses and ties count items."""

    items: int
    units: int
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    p_value: float
    wins: int
    losses: int
    ties: int


def compare(a: Floats, b: Floats, units: Sequence[str], seed: int = 0) -> Paired:
    """Raises ValueError without any pair."""
    if not len(a):
        raise ValueError("there is no pair")
    names, at = np.unique(np.asarray(units, dtype=object).astype(str), return_inverse=True)
    gap = b - a
    sums, sizes = np.bincount(at, gap).astype(float), np.bincount(at).astype(float)
    count, total = len(names), float(len(gap))
    mean = float(gap.mean())
    low = high = float("nan")
    if count > 1:
        spread = ((sums - mean * sizes) ** 2).sum() * count / (count - 1) / total**2
        reach = float(stdtrit(count - 1, 0.975)) * float(np.sqrt(spread))
        low, high = mean - reach, mean + reach
    wins, losses = int((gap > 0).sum()), int((gap < 0).sum())
    return Paired(
        len(gap), count, float(a.mean()), float(b.mean()), mean, low, high, _flipped(sums, seed),
        wins, losses, len(gap) - wins - losses,
    )  # fmt: skip


def _flipped(sums: Floats, seed: int) -> float:
    """Two-sided p-value of the sum; exact with few units, else by draws, itself counted as one. Of
    many units, none of which outweighs the others, the flipped sum is normal, with the sum of their
    squares as its variance (Lindeberg): it is symmetric, and its excess kurtosis under 0.002."""
    seen = abs(sums.sum()) - 1e-12
    if len(sums) <= EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(sums))))
        return float((np.abs(signs @ sums) >= seen).mean())
    square = sums**2
    if len(sums) >= MANY and (square**2).sum() < ALIKE * square.sum() ** 2:
        return float(erfc(seen / np.sqrt(2 * square.sum())))
    draw, above, left = np.random.default_rng(seed), 0, ROUNDS
    while left:
        now = min(left, max(1, 4_000_000 // len(sums)))
        signs = draw.integers(0, 2, (now, len(sums)), dtype=np.int8) * 2.0 - 1.0
        above += int((np.abs(signs @ sums) >= seen).sum())
        left -= now
    return (above + 1) / (ROUNDS + 1)
