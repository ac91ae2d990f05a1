"""What each row would show if nothing had changed: an additive fit, and what it leaves.

With many columns nearly every row has an attribute combination of its own, so a rate by
combination says nothing. A sum of one effect a column is fitted instead, over both windows and
with an effect a block, so that neither a segment that is always worse nor a changed mix looks like
a change. Values that are not there in most blocks get no effect: what is new must be compared
with what it replaced. Labels of windows are not looked at, so permuting them stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from monitors.rootcause.cubes import along, cover, limit, place
from monitors.rootcause.leaves import Leaves
from monitors.windows import Floats, Integers

SWEEPS = 6  # of backfitting; effects of columns that are nearly independent settle in three
PRIOR = 20.0  # rows of no effect that each value's effect is shrunk by
LASTING = 0.5  # share of blocks in which a value must occur to get an effect
LEAST = 0.005  # share of all weight under which a value or combination is not searched
FEWEST = 60  # rows (or counts, where weights are counts), the same


@dataclass(frozen=True, slots=True)
class Rows:
    """`codes` (rows, columns); a code that is not under `kept[column]` is a value too rare to be
    named. `residual` and `weight` (rows,) are sums: the row's mean residual is their quotient."""

    codes: Integers
    kept: tuple[int, ...]
    names: tuple[Integers, ...]  # of each column, the index in Leaves.values by new code
    block: Integers
    blocks: int
    residual: Floats
    weight: Floats
    least: float  # weight under which a combination is not searched
    scatter: Floats  # (rows,) squares whose mean is the variance of a residual of weight 1


def additive(rows: Leaves) -> Rows:
    """The residuals of the additive fit. O(rows x columns)."""
    y = rows.total / np.maximum(rows.weight, 1e-12)
    least = max(LEAST * rows.weight.sum(), FEWEST * min(1.0, float(rows.weight.mean())))
    codes, names, effects = [], [], []
    for index, values in enumerate(rows.values):
        code = np.ascontiguousarray(rows.codes[:, index])[rows.leaf]
        weight = np.bincount(code, rows.weight, len(values))
        order = np.argsort(-weight, kind="stable")
        kept = order[: int((weight >= least).sum())]
        to = np.full(len(values), len(kept), np.int64)
        to[kept] = np.arange(len(kept))
        new = to[code]
        there = np.zeros((len(kept) + 1, rows.blocks), bool)
        there[new, rows.block] = True
        codes.append(new)
        names.append(kept.astype(np.int64))
        effects.append(there.mean(1) >= LASTING)
    table = np.stack(codes).T  # columns are read one by one
    fit = _fit([*codes, rows.block], [*effects, np.ones(rows.blocks, bool)], y, rows.weight)
    scatter = _scatter(codes, [len(e) for e in effects], rows, y - fit)
    return Rows(
        table, tuple(map(len, names)), tuple(names), rows.block, rows.blocks,
        (y - fit) * rows.weight, rows.weight, float(least), scatter,
    )  # fmt: skip


def _fit(codes: list[Integers], effects: list[Floats], y: Floats, weight: Floats) -> Floats:
    """Overall mean plus the effects of all columns but the last, which is the block's: what a
    block does of itself is no column's doing, and stays in the residual."""
    mean = float((y * weight).sum() / weight.sum())
    prior = PRIOR * float(weight.mean())
    counts = [len(e) for e in effects]
    # The sums that backfitting needs are those of the rows once and of pairs of columns.
    total = [np.bincount(c, (y - mean) * weight, n) for c, n in zip(codes, counts, strict=True)]
    sizes = [np.bincount(c, weight, n) for c, n in zip(codes, counts, strict=True)]
    both: dict[tuple[int, int], Floats] = {}
    pairs = list(combinations(range(len(codes)), 2))
    for wide, mine in cover(pairs, counts, limit(len(y))):
        shape = [counts[c] for c in wide]
        table = np.bincount(place(codes, counts, wide), weight, int(np.prod(shape))).reshape(shape)
        for a, b in mine:
            both[a, b] = along(table, wide, (a, b))
            both[b, a] = both[a, b].T
    found = [np.zeros(n) for n in counts]
    for _ in range(SWEEPS):
        for n in range(len(codes)):
            left = total[n] - sum(both[n, m] @ found[m] for m in range(len(codes)) if m != n)
            found[n] = np.where(effects[n], left / (sizes[n] + prior), 0.0)
    fit = np.full(len(y), mean)
    for n, code in enumerate(codes[:-1]):
        fit += found[n][code]
    return fit


def _scatter(codes: list[Integers], sizes: list[int], rows: Leaves, left: Floats) -> Floats:
    """Squares of what remains when each value may differ in each block: a change of a value is
    then no noise of its rows."""
    left = left.copy()
    used = 0
    for code, size in zip(codes, sizes, strict=True):
        if size * rows.blocks * 4 > len(left):
            continue
        at = code * rows.blocks + rows.block
        weight = np.bincount(at, rows.weight, size * rows.blocks)
        left -= (np.bincount(at, left * rows.weight, size * rows.blocks)
                 / np.maximum(weight, 1e-12))[at]  # fmt: skip
        used = max(used, 0) + int((weight > 0).sum())
    free = max(0.25, 1 - used / max(len(left), 1))
    return np.asarray(left**2 * rows.weight / free)
