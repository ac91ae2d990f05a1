"""Agreement of scores with labels: kappa, Spearman, AUROC, confusion, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from schemas.estimates.units import Floats

ROUNDS = 1000
CUT = 0.5  # a score or label from here is a yes
FEWEST = 20  # units below which an interval by resampling says nothing


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95% interval: NaN where it is not defined, (NaN, NaN) with too few
    units."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """`confusion` counts (said yes, is yes), (yes, no), (no, yes), (no, no)."""

    items: int
    units: int
    kappa: Figure
    spearman: Figure
    auroc: Figure
    confusion: tuple[int, int, int, int]

    @property
    def uninformative(self) -> bool:
        """Whether chance is not ruled out: the AUROC's interval includes 0.5, or there is none."""
        return not (self.auroc.low > 0.5 or self.auroc.high < 0.5)


def auroc(scores: Floats, labels: Floats) -> float:
    """Chance that an item labelled yes has the higher score; ties are halves. NaN with one
    class."""
    good = labels >= CUT
    n, m = int(good.sum()), int((~good).sum())
    if not n or not m:
        return float("nan")
    return float((rankdata(scores)[good].sum() - n * (n + 1) / 2) / (n * m))


def kappa(scores: Floats, labels: Floats) -> float:
    """Cohen's: agreement beyond what the shares of yes give; NaN where both only say one thing."""
    said, told = scores >= CUT, labels >= CUT
    by_chance = said.mean() * told.mean() + (1 - said.mean()) * (1 - told.mean())
    if by_chance == 1:
        return float("nan")
    return float(((said == told).mean() - by_chance) / (1 - by_chance))


def spearman(scores: Floats, labels: Floats) -> float:
    """Correlation of ranks; NaN where either is constant."""
    a, b = rankdata(scores), rankdata(labels)
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / size) if size > 0 else float("nan")


def agreement(
    scores: Floats, labels: Floats, units: Sequence[str], rounds: int = ROUNDS, seed: int = 0
) -> Agreement:
    """Figures over items with a score and a label; whole units (sessions) are resampled."""
    names, at = np.unique(np.asarray(units, dtype=object).astype(str), return_inverse=True)
    members = [np.flatnonzero(at == i) for i in range(len(names))]
    draw = np.random.default_rng(seed)
    picks = [
        np.concatenate([members[i] for i in draw.integers(len(names), size=len(names))])
        for _ in range(rounds if len(names) >= FEWEST else 0)
    ]

    def figure(measure: Callable[[Floats, Floats], float]) -> Figure:
        found = np.array([measure(scores[pick], labels[pick]) for pick in picks])
        found = found[~np.isnan(found)]
        low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (np.nan, np.nan)
        return Figure(measure(scores, labels), float(low), float(high))

    said, told = scores >= CUT, labels >= CUT
    both, only_said, only_told = said & told, said & ~told, ~said & told
    confusion = (
        int(both.sum()), int(only_said.sum()), int(only_told.sum()), int((~said & ~told).sum())
    )  # fmt: skip
    return Agreement(
        len(scores), len(names), figure(kappa), figure(spearman), figure(auroc), confusion
    )
