"""Which stage of an application made the mean score change: input, retrieval, prompt, model, ...

A stage's mechanism is how its columns depend on those of the stages before it; the score is the
last one. The change of the mean is the sum over mechanisms of what replacing the reference's by the
current one does to it, averaged over all orders of replacing (Shapley value). Source: Budhathoki,
Janzing, Bloebaum, Ng, "Why did the distribution change?", AISTATS 2021, section 3. Only the mean is
asked for and every mechanism is a linear regression on dummies and linear splines, so means are
carried from stage to stage and nothing is sampled.

Each window's regression is shrunk towards slopes that both share, fitted within the windows. A
value that is there in one window only (a new prompt) thereby keeps its effect in both. A value
that took over every row at once has no such row beside it: nothing tells what it does from what
later stages do by themselves, so its column is left out and it is named with each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from monitors.rootcause.leaves import LeavesError
from monitors.windows import Bools, Floats, Integers

SCORE = "score"  # the last mechanism: the score, all columns being the same
UNEXPLAINED = "unexplained"
PRIOR = 5.0  # rows' worth of shrinking towards the fit of both windows
PENALTY = 1e-3  # rows' worth of ridge in that fit: settles what no row tells apart
BLOCKS = 100  # into which the sessions of a window are gathered, in order of their rows
FEWEST = 10  # blocks a window, under which a bootstrap interval means nothing
VALUES = 12  # of a column of words that get an effect of their own
RARE = 0.005  # share of rows under which a value gets none
ALIKE = 0.98  # share of rows in which two deployments agree that makes them one
Column = Sequence[object] | NDArray[Any]  # (rows,) numbers or words
DRAWS = 300
ALPHA = 0.05  # that any stage is named when none changed, over all of them
MOST = 10  # stages: all subsets of them are visited


@dataclass(frozen=True, slots=True)
class Effect:
    """What `stages` did to the mean: one, or several that no row tells apart, of which the last
    is where it shows. The interval is corrected for the number of effects; `share` is nan where
    the total did not move."""

    stages: tuple[str, ...]
    change: float
    low: float
    high: float
    share: float
    named: bool


@dataclass(frozen=True, slots=True)
class Stages:
    """`effects` and `unexplained` add up to after - before exactly."""

    before: float
    after: float
    effects: tuple[Effect, ...]
    unexplained: float
    blocks: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Switches:
    """(stage, column) in which a new value took over every row; of the other columns with a new
    value the current rows that have it; and stages that consist of such columns only."""

    complete: frozenset[tuple[str, str]]
    partial: dict[str, list[Bools]]
    deployed: frozenset[str]


def attribute(
    stages: Mapping[str, Mapping[str, Column]],
    score: Sequence[float] | Floats,
    current: Bools,
    session: Column,
    seed: int = 0,
    weight: Sequence[float] | Floats | None = None,
) -> Stages:
    """Attribute the change of the mean score. `stages`, first to last: name -> column -> values
    (rows,), numbers or words; `current` (rows,) tells the windows apart; rows of one `session` are
    resampled together; `weight` (rows,) is how many rows of all traffic each stands for, 1 /
    probability of having been drawn (Hajek's estimator of every mean and regression). Raises
    LeavesError where a window has under FEWEST sessions, or a weight is not above 0."""
    y = np.asarray(score, np.float64)
    if not 1 <= len(stages) < MOST:
        raise LeavesError(f"give one to {MOST - 1} stages")
    if SCORE in stages:
        raise LeavesError(f"no stage can be called {SCORE}: that is the last one")
    if not np.isfinite(y).all():
        raise LeavesError("the score has missing values")
    w = np.ones(len(y)) if weight is None else np.array(weight, np.float64)
    if not (np.isfinite(w) & (w > 0)).all():
        raise LeavesError("a row's weight must be above 0")
    moved = _switches(stages, current)
    kept = {
        name: [_basis(c) for key, c in held.items() if (name, key) not in moved.complete]
        for name, held in stages.items()
    }
    designs = {name: np.column_stack(made) for name, made in kept.items() if made}
    designs = {name: made for name, made in designs.items() if made.shape[1]}
    x = np.column_stack([np.ones(len(y)), *designs.values(), y])
    ends = np.cumsum([1, *(d.shape[1] for d in designs.values()), 1])
    names = [*designs, SCORE]
    sides = [_codes(session)[side] for side in (~current, current)]
    counts = [len(np.unique(side)) for side in sides]
    if min(counts) < FEWEST:
        raise LeavesError(f"{min(counts)} sessions on one side; at least {FEWEST} are needed")
    for side in (~current, current):
        # Kish's effective number of rows, so that PRIOR stays that many rows' worth.
        w[side] *= w[side].sum() / (w[side] ** 2).sum()
    draw = np.random.default_rng(seed)
    grams = [_grams(x[k], w[k], s) for k, s in zip((~current, current), sides, strict=True)]
    sums = [_resampled(g, draw) for g in grams]
    groups = _together(names, moved)
    values = _shapley(_means(sums, ends), groups, len(names))  # (1 + draws, groups)
    before, after = (float(np.average(y[k], weights=w[k])) for k in (~current, current))
    wide = float(ndtri(1 - ALPHA / 2 / len(groups))) * values[1:].std(0, ddof=1)
    effects = []
    for at, group in enumerate(groups):
        change = float(values[0, at])
        low, high = change - float(wide[at]), change + float(wide[at])
        share = change / (after - before) if after != before else float("nan")
        told = _inseparable([names[i] for i in group], list(stages), moved)
        effects.append(Effect(told, change, low, high, share, bool(low > 0 or high < 0)))
    effects.sort(key=lambda e: -abs(e.change))
    left = after - before - float(values[0].sum())
    return Stages(before, after, tuple(effects), left, (len(grams[0]), len(grams[1])))


def _codes(column: Column) -> Integers:
    """A number per row, in the order in which values first occur."""
    array = np.asarray(column)
    array = array if array.dtype.kind in "iufb" else array.astype(str)
    _, first, code = np.unique(array, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[code], np.int64)


def _words(column: Column) -> bool:
    array = np.asarray(column)
    return array.dtype.kind not in "iufb" or len(np.unique(array)) <= 2


def _basis(column: Column) -> Floats:
    """(rows, features): dummies of words, less the commonest; of numbers a linear spline with
    knots at the terciles and a mark where the number is missing."""
    array = np.asarray(column)
    if _words(column):
        _, code, count = np.unique(array.astype(str), return_inverse=True, return_counts=True)
        order = np.argsort(-count, kind="stable")[1:VALUES]
        kept = [int(i) for i in order if count[i] >= RARE * len(array)]
        return np.stack([code == i for i in kept], 1).astype(np.float64) if kept else np.zeros(
            (len(array), 0))  # fmt: skip
    number = array.astype(np.float64)
    lost = ~np.isfinite(number)
    low, high = np.quantile(number[~lost], [1 / 3, 2 / 3]) if not lost.all() else (0.0, 1.0)
    scale = float(number[~lost].std()) if not lost.all() else 0.0
    x = np.where(lost, low, number) - low
    columns = [x, np.maximum(x, 0.0), np.maximum(x - (high - low), 0.0)]
    made = [c / (scale or 1.0) for c in columns] + ([lost.astype(np.float64)] if lost.any() else [])
    return np.stack(made, 1)


def _grams(x: Floats, weight: Floats, session: Integers) -> Floats:
    """(blocks, p, p): weighted sums of products over consecutive sessions."""
    held = np.unique(session, return_inverse=True)[1]
    count = int(held.max()) + 1
    block = held * min(BLOCKS, count) // count
    order = np.argsort(block, kind="stable")
    cuts = np.flatnonzero(np.diff(block[order])) + 1
    halves = np.split(x[order] * np.sqrt(weight[order])[:, None], cuts)
    return np.stack([part.T @ part for part in halves])


def _resampled(grams: Floats, draw: np.random.Generator) -> Floats:
    """(1 + DRAWS, p, p): all blocks once, then blocks drawn with replacement."""
    n = len(grams)
    counts = draw.multinomial(n, np.full(n, 1 / n), DRAWS)
    times = np.vstack([np.ones((1, n)), counts])
    return (times @ grams.reshape(n, -1)).reshape(-1, *grams.shape[1:])


def _means(sums: list[Floats], ends: Integers) -> dict[int, Floats]:
    """Mean score (1 + draws,) by subset of mechanisms (as bits) that are the current ones."""
    fits: list[list[Floats]] = []
    means = [g[:, 0] / g[:, :1, 0] for g in sums]
    within = sum(
        (g - g[:, :1, :1] * m[:, :, None] * m[:, None] for g, m in zip(sums, means, strict=True)),
        np.zeros_like(sums[0]),
    )
    for start, end in pairwise(ends):
        held, made, slopes = slice(0, start), slice(start, end), slice(1, start)
        # Within windows: else a new value would be given what else changed with the window.
        common = np.linalg.solve(
            within[:, slopes, slopes] + PENALTY * np.eye(start - 1), within[:, slopes, made]
        )
        each: list[Floats] = []
        for gram, mean in zip(sums, means, strict=True):
            level = mean[:, made] - np.einsum("dp,dpk->dk", mean[:, slopes], common)
            prior = np.concatenate([level[:, None], common], axis=1)
            left = gram[:, held, held] + PRIOR * np.eye(start)
            found = np.linalg.solve(left, gram[:, held, made] + PRIOR * prior)
            each.append(np.asarray(found, np.float64))
        fits.append(each)
    first = np.ones((len(within), 1))
    states: dict[int, Floats] = {0: first}
    for at, pair in enumerate(fits):
        states = {
            subset | (which << at): np.concatenate(
                [mean, np.einsum("dp,dpk->dk", mean, pair[which])], axis=1
            )
            for subset, mean in states.items()
            for which in (0, 1)
        }  # fmt: skip
    return {subset: mean[:, -1] for subset, mean in states.items()}


def _shapley(means: dict[int, Floats], groups: list[tuple[int, ...]], stages: int) -> Floats:
    """(1 + draws, groups): a group's mechanisms are replaced together."""
    assert sum(map(len, groups)) == stages
    bits = [sum(1 << i for i in group) for group in groups]
    n = len(groups)
    found = np.zeros((len(means[0]), n))
    for at in range(n):
        others = [b for k, b in enumerate(bits) if k != at]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for chosen in combinations(others, size):
                base = sum(chosen)
                found[:, at] += weight * (means[base | bits[at]] - means[base])
    return found


def _switch(column: Column, current: Bools) -> Bools | None:
    """(rows,) whether a value that is new is in use; None where no word came with the window."""
    array = np.asarray(column)
    if not _words(column):
        return None
    values, code = np.unique(array.astype(str), return_inverse=True)
    old = np.bincount(code[~current], minlength=len(values)) / max(int((~current).sum()), 1)
    new = np.bincount(code[current], minlength=len(values)) / max(int(current.sum()), 1)
    came = (old < RARE) & (new >= RARE)
    return np.asarray(came[code], np.bool_) if came.any() else None


def _switches(stages: Mapping[str, Mapping[str, Column]], current: Bools) -> Switches:
    """Columns in which a new value came, those in which it took over every row set apart."""
    partial: dict[str, list[Bools]] = {}
    complete = []
    for name, held in stages.items():
        for key, column in held.items():
            used = _switch(column, current)
            if used is not None and used[current].mean() >= ALIKE:
                complete.append((name, key))
            elif used is not None and used[current].mean() > ALPHA:
                partial.setdefault(name, []).append(used[current])
    deployed = {
        name
        for name, held in stages.items()
        if all((s := _switch(c, current)) is not None and s[current].mean() > ALPHA
               for c in held.values())
    }  # fmt: skip
    return Switches(frozenset(complete), partial, frozenset(deployed))


def _together(names: list[str], moved: Switches) -> list[tuple[int, ...]]:
    """Stages in groups: those whose new values are in use in the same rows are one."""
    group = list(range(len(names)))
    for a, b in combinations(range(len(names)), 2):
        pairs = product(moved.partial.get(names[a], []), moved.partial.get(names[b], []))
        if any((s == t).mean() >= ALIKE for s, t in pairs):
            group = [group[a] if g == group[b] else g for g in group]
    return [tuple(i for i, g in enumerate(group) if g == k) for k in sorted(set(group))]


def _inseparable(group: list[str], order: list[str], moved: Switches) -> tuple[str, ...]:
    """The group, and before it the deployments that reached every row ahead of it. One deployment
    does not make another, so none is added to a group of deployments."""
    if set(group) <= moved.deployed:
        return tuple(group)
    last = order.index(group[-1]) if group[-1] in order else len(order)
    ahead = {name for name, _ in moved.complete if order.index(name) < last} - set(group)
    return (*(name for name in order if name in ahead), *group)
