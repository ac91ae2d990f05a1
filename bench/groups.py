"""Intervals by groups of sessions beside those by session: `python -m bench.groups`.

Each run draws sessions of unequal length whose scores resemble each other, judged with probability
1 or 1/4, and asks whether the 95% interval of `of_moments` holds the mean of the process: with
sessions as units, and with GROUPS groups of them (schemas/hours/groups.py). Printed beside: how
much wider the second is.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from schemas.estimates.means import Mean, Moments, of_moments
from schemas.hours.groups import GROUPS

SIZES = (5_000, 20_000, 200_000)  # scores
RATES = (0.5, 0.9, 0.97)
LENGTHS = (1, 4, 20)  # mean scores of a session
ALIKE = 0.3  # correlation of two scores of one session, on the scale of the latent normal
Floats = NDArray[np.float64]


def mean(unit: NDArray[np.int64], value: Floats, weight: Floats) -> Mean:
    """With these units."""
    _, at = np.unique(unit, return_inverse=True)
    w, v = np.bincount(at, weight), np.bincount(at, weight * value)
    return of_moments(Moments(
        len(w), len(value), float(w.sum()), float(v.sum()), float((w * w).sum()),
        float((v * w).sum()), float((v * v).sum()), float((value * value * weight).sum()),
        len(w), len(w),
    ))  # fmt: skip


def cell(seed: int, runs: int, size: int, rate: float, length: int) -> tuple[Floats, Floats]:
    """(coverage by session and by group, width by group over that by session of each run)."""
    draw = np.random.default_rng([seed, size, int(100 * rate), length])
    held, ratios = np.zeros(2), []
    for _ in range(runs):
        session = np.repeat(np.arange(size // length), draw.geometric(1 / length, size // length))
        latent = np.sqrt(ALIKE) * draw.standard_normal(size // length)[session]
        latent += np.sqrt(1 - ALIKE) * draw.standard_normal(len(session))
        # A judge's scores in [0, 1], most near an end, of mean `rate`.
        value = (latent < ndtri(rate)) * 0.9 + 0.1 * ndtr(draw.standard_normal(len(session)))
        chance = np.where(draw.random(len(session)) < 0.5, 1.0, 0.25)
        kept = draw.random(len(session)) < chance
        group = draw.integers(0, GROUPS, size // length)[session]
        found = [mean(unit[kept], value[kept], 1 / chance[kept]) for unit in (session, group)]
        truth = 0.9 * rate + 0.05
        held += [each.low <= truth <= each.high for each in found]
        ratios.append((found[1].high - found[1].low) / (found[0].high - found[0].low))
    return held / runs, np.array(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"{GROUPS} groups, {asked.runs} runs a cell, seed {asked.seed}")
    print("| scores | rate | scores a session | coverage by session | by group | width: median"
          " ratio | 5% | 95% |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        for rate in RATES:
            for length in LENGTHS:
                held, ratio = cell(asked.seed, asked.runs, size, rate, length)
                low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
                print(f"| {size:,} | {rate} | {length} | {held[0]:.3f} | {held[1]:.3f} |"
                      f" {middle:.3f} | {low:.3f} | {high:.3f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
