"""Sums of residuals by attribute combination and block: all that search and permutations need.

Rows are read once for each set of columns; a permutation of the blocks' labels is then a product of
matrices, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from monitors.rootcause.base import Rows
from monitors.windows import Bools, Floats, Integers

ATTRIBUTES = 3  # columns of a segment at most
WIDEST = 4_000_000  # cells of one set of columns and its blocks
PRIOR = 200.0  # rows of the overall scatter that a group's own is shrunk by
FEW = 50  # cells under which their scatter is not known
FULL = 5.0  # rows a cell needs to say how much cells scatter
CHI2_MEDIAN = 0.4549  # median of a squared standard normal


@dataclass(frozen=True, slots=True)
class Tables:
    """Combinations (groups,) with at least `Rows.least` of weight. The first is all rows.

    `total`, `weight` (groups, blocks); `noise` is the variance of a residual times its weight,
    which counts that rows of a session resemble each other; `price` the logarithm of how many
    combinations of so many columns compete.
    """

    columns: tuple[tuple[int, ...], ...]  # sets of columns
    which: Integers  # (groups,) index in `columns`
    cell: Integers  # (groups,) packed codes
    total: Floats
    weight: Floats
    noise: Floats
    price: Floats


def cells(rows: Rows, columns: tuple[int, ...], chosen: Bools | None = None) -> Integers:
    """One number per row (or chosen row) for its codes in the columns."""
    found = np.zeros(len(rows.codes) if chosen is None else int(chosen.sum()), np.int64)
    for column in columns:
        code = rows.codes[:, column]
        found = found * (rows.kept[column] + 1) + (code if chosen is None else code[chosen])
    return found


def codes_of(rows: Rows, columns: tuple[int, ...], cell: int) -> tuple[int, ...]:
    """The codes that `cells` packed."""
    found = []
    for column in reversed(columns):
        cell, code = divmod(cell, rows.kept[column] + 1)
        found.append(code)
    return tuple(reversed(found))


def _named(rows: Rows, columns: tuple[int, ...]) -> Bools:
    """Which cells (cells,) are combinations of values that can be named."""
    held = np.ones(1, bool)
    for column in columns:
        held = (held[:, None] & (np.arange(rows.kept[column] + 1) < rows.kept[column])).ravel()
    return held


def _sets(rows: Rows, attributes: int) -> Iterator[tuple[int, ...]]:
    """Sets of columns, none of which says what another of them says already."""
    used = [c for c in range(rows.codes.shape[1]) if rows.kept[c] > 1]
    used += [c for c in range(rows.codes.shape[1]) if rows.kept[c] == 1]
    used.sort()
    tied = set()
    for pair in combinations(used, 2):
        size = [rows.kept[c] + 1 for c in pair]
        if size[0] * size[1] > WIDEST:
            tied.add(pair)
            continue
        there = np.bincount(cells(rows, pair), minlength=size[0] * size[1]).reshape(size) > 0
        if (there.sum(0) <= 1).all() or (there.sum(1) <= 1).all():
            tied.add(pair)
    for length in range(1, attributes + 1):
        for columns in combinations(used, length):
            wide = rows.blocks * int(np.prod([rows.kept[c] + 1 for c in columns]))
            if wide <= WIDEST and not tied.intersection(combinations(columns, 2)):
                yield columns


def _sums(at: Integers, values: Floats, groups: int, blocks: int) -> Floats:
    """Sums (groups, blocks) by packed group and block."""
    found = np.bincount(at, values, groups * blocks).astype(np.float64, copy=False)
    return np.asarray(found.reshape(groups, blocks))


def tables(rows: Rows, attributes: int = ATTRIBUTES) -> Tables:
    """Every combination of at most `attributes` columns. O(sets of columns x rows)."""
    overall = float(rows.scatter.mean())
    by_block, weights = (
        _sums(rows.block, each, 1, rows.blocks) for each in (rows.residual, rows.weight)
    )
    day = by_block[0] / np.maximum(weights[0], 1e-12)
    columns: list[tuple[int, ...]] = [()]
    parts: list[tuple[Integers, Floats, Floats, Floats]] = [
        (np.zeros(1, np.int64), by_block, weights, np.full(1, overall))
    ]
    alike: list[float] = []
    for each in _sets(rows, attributes):
        cell, named = cells(rows, each), _named(rows, each)
        size, at = len(named), cell * rows.blocks + rows.block
        weight = _sums(at, rows.weight, size, rows.blocks)
        held = np.flatnonzero(named & (weight.sum(1) >= rows.least))
        if not len(held):
            continue
        total = _sums(at, rows.residual, size, rows.blocks)[held]
        weight = weight[held]
        many = np.bincount(cell, minlength=size)[held]
        square = np.bincount(cell, rows.scatter, size)[held]
        noise = (square + PRIOR * overall) / (many + PRIOR)
        alike += _clustering(total - weight * day, weight, noise, rows)
        columns.append(each)
        parts.append((held.astype(np.int64), total, weight, noise))
    which = np.repeat(np.arange(len(parts)), [len(p[0]) for p in parts])
    length = np.array([len(c) for c in columns])[which]
    compete = np.bincount(length, minlength=attributes + 1)
    total, weight, noise = (np.concatenate([p[i] for p in parts]) for i in (1, 2, 3))
    noise *= max(1.0, float(np.median(alike))) if alike else 1.0
    price = np.log(np.maximum(compete[length], 1)) + np.log(2) * (length > 0)
    return Tables(
        tuple(columns), which, np.concatenate([p[0] for p in parts]), total, weight, noise, price
    )


def _clustering(total: Floats, weight: Floats, noise: Floats, rows: Rows) -> list[float]:
    """How much more the means of (group, block) cells scatter than independent rows would, in none
    or one number: of the median, so that the few cells of a real change do not count.

    One factor is taken for all sets of columns: with one each, its own error would decide between
    a segment and a part of it.
    """
    mean = total.sum(1, keepdims=True) / weight.sum(1, keepdims=True)
    full = weight >= FULL * min(1.0, float(rows.weight.mean()))
    if full.sum() < FEW:
        return []
    off = (total - weight * mean) ** 2 / (np.maximum(weight, 1e-12) * noise[:, None])
    shrink = 1 - weight / np.maximum(weight.sum(1, keepdims=True), 1e-12)
    return [float(np.median((off / np.maximum(shrink, 0.1))[full])) / CHI2_MEDIAN]


def within(rows: Rows, table: Tables, chosen: Bools) -> tuple[Floats, Floats]:
    """Weights and residual sums (groups, blocks) of the chosen rows: their part of each group."""
    found = np.zeros_like(table.weight), np.zeros_like(table.weight)
    block, sums = rows.block[chosen], (rows.weight[chosen], rows.residual[chosen])
    start = np.searchsorted(table.which, np.arange(len(table.columns) + 1))
    for n, columns in enumerate(table.columns):
        groups = slice(start[n], start[n + 1])
        size = int(np.prod([rows.kept[c] + 1 for c in columns], dtype=np.int64))
        at = cells(rows, columns, chosen) * rows.blocks + block
        for into, each in zip(found, sums, strict=True):
            into[groups] = _sums(at, each, size, rows.blocks)[table.cell[groups]]
    return found
