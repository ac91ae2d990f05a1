"""Coverage and width of corrected means: `python -m bench.estimates [--runs 2000] [--seed 1]`.

Each run draws a population of judged items and labels some of its sessions. The truth is the rate
of the process that draws the labels. "unequal" labels sessions of low scores five times as often.
`--shape` says how scores follow the truth: `straight`, nearly in a line; `bold`, a judge that
mostly says something near 0 or 1; `low`, one whose scores are far too low.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from schemas.estimates.calibrate import FOLDS
from schemas.estimates.corrected import best, corrected
from schemas.estimates.strata import learn
from schemas.estimates.units import Units

LABELS = (30, 50, 100, 300, 1000)
RATES = (0.5, 0.9, 0.97)
AUROCS = (0.5, 0.7, 0.9)
SESSIONS = (1, 5)
POPULATION = 10_000
AIM = 0.93
ALIKE = 0.3  # correlation of two labels of one session, on the scale of the latent normal
CHUNK = 250  # runs at once
SHAPES = {
    "straight": lambda score: score,
    "bold": lambda score: score**4 / (score**4 + (1 - score) ** 4),
    "low": lambda score: score**4,
}


def population(
    draw: np.random.Generator, runs: int, rate: float, auroc: float, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(labels, scores) of shape (runs, sessions, size). The scores are the probability that a
    judge gives, overconfident by a half: two normals as far apart as the AUROC says."""
    shape = (runs, POPULATION // size)
    common = draw.standard_normal((*shape, 1)) * np.sqrt(ALIKE if size > 1 else 0.0)
    own = draw.standard_normal((*shape, size)) * np.sqrt(1 - (ALIKE if size > 1 else 0.0))
    labels = (common + own < ndtri(rate)).astype(float)
    apart = np.sqrt(2) * ndtri(auroc)
    signal = draw.standard_normal(labels.shape, dtype=np.float32) + apart * (labels - 0.5)
    # A judge that cannot tell still says different things.
    chance = 1.5 * (max(apart, 0.7) * signal + np.log(rate / (1 - rate)))
    return labels, 1 / (1 + np.exp(-chance))


def units(
    draw: np.random.Generator, labels: NDArray[np.float64], scores: NDArray[np.float64],
    wanted: int, unequal: bool,
) -> tuple[Units, Units | None]:  # fmt: skip
    """Labels of `wanted` items in whole sessions, drawn one after the other by their odds: read by
    scores, and by strata of them."""
    runs, sessions, size = labels.shape
    means = scores.mean(2)
    odds = np.ones_like(means)
    if unequal:
        odds = np.where(means < np.median(means, axis=1, keepdims=True), 5.0, 1.0)
    # Gumbel's trick: the largest keys are a draw without replacement by the odds.
    keys = np.log(odds) + draw.gumbel(size=odds.shape)
    picked = np.argpartition(-keys, wanted // size - 1, axis=1)[:, : wanted // size]
    picked = draw.permuted(picked, axis=1)
    at = (np.arange(runs)[:, None], picked)
    weight = (odds.mean(1, keepdims=True) / odds)[at]
    good, bad = (labels[at].max(2) > 0).sum(1), (labels[at].min(2) < 1).sum(1)

    def read(every: NDArray[np.float64], seen: NDArray[np.float64]) -> Units:
        mean = every.mean((1, 2))
        shift = (every.mean(2) - mean[:, None]) / sessions
        return Units(
            weight * size, weight * labels[at].sum(2), weight * seen.sum(2), shift[at], mean,
            (shift**2).sum(1), np.minimum(good, bad).astype(float),
        )  # fmt: skip

    seen, drawn = scores[at].reshape(runs, -1), labels[at].reshape(runs, -1)
    fold = np.broadcast_to(np.repeat(np.arange(wanted // size) % FOLDS, size), seen.shape)
    learnt = learn(seen, drawn, np.repeat(weight, size, axis=1), fold)
    if learnt is None:
        return read(scores, scores[at]), None
    chance = learnt.chance(scores.reshape(runs, -1)).reshape(scores.shape)
    return read(scores, scores[at]), read(chance, learnt.apart(seen, fold).reshape(runs, -1, size))


@dataclass(frozen=True, slots=True)
class Cell:
    """Coverage, median widths (of the interval, by scores alone, of labels alone), shares of
    intervals by betting and by strata."""

    coverage: float
    width: float
    by_scores: float
    alone: float
    betting: float
    strata: float


def cell(
    seed: int, runs: int, wanted: int, rate: float, auroc: float, unequal: bool, size: int,
    shape: str,
) -> Cell:  # fmt: skip
    draw = np.random.default_rng([seed, wanted, int(rate * 100), int(auroc * 10), unequal, size])
    held, methods = [], []
    widths: tuple[list[NDArray[np.float64]], ...] = ([], [], [])
    for start in range(0, runs, CHUNK):
        labels, scores = population(draw, min(CHUNK, runs - start), rate, auroc, size)
        given, strata = units(draw, labels, SHAPES[shape](scores), wanted, unequal)
        found, plain = best(given, strata), corrected(given, judged=False)
        held.append((found.low <= rate) & (rate <= found.high))
        for kept, each in zip(widths, (found, corrected(given), plain), strict=True):
            kept.append(each.high - each.low)
        methods.append(found.method)
    method = np.concatenate(methods)
    width, by_scores, alone = (float(np.median(np.concatenate(each))) for each in widths)
    return Cell(
        float(np.concatenate(held).mean()), width, by_scores, alone,
        float((method == "betting").mean()), float((method == "t, by strata").mean()),
    )  # fmt: skip


def main() -> None:
    """One line per cell, then the worst and the time."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--labels", type=int, nargs="*", default=list(LABELS))
    options.add_argument("--shape", choices=SHAPES, default="straight")
    asked = options.parse_args()
    print(
        "| labels | rate | AUROC | sampling | session | coverage | width | by scores | labels alone"
        " | betting | strata |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    began, worst, below = time.perf_counter(), 1.0, 0
    for wanted, rate, auroc, unequal, size in itertools.product(
        asked.labels, RATES, AUROCS, (False, True), SESSIONS
    ):
        found = cell(asked.seed, asked.runs, wanted, rate, auroc, unequal, size, asked.shape)
        worst, below = min(worst, found.coverage), below + (found.coverage < AIM)
        how = "unequal" if unequal else "uniform"
        print(f"| {wanted} | {rate} | {auroc} | {how} | {size} | {found.coverage:.3f} |"
              f" {found.width:.3f} | {found.by_scores:.3f} | {found.alone:.3f} |"
              f" {found.betting:.2f} | {found.strata:.2f} |", flush=True)  # fmt: skip
    seconds = time.perf_counter() - began
    print(f"\nworst coverage {worst:.3f}; cells under {AIM}: {below}; {asked.runs} runs a cell,"
          f" {seconds:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
