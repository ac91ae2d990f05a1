"""Sums of residuals by attribute combination and block: all that search and permutations need.

Rows are read once for each of a few wide tables; a permutation of the blocks' labels is then a
product of matrices, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from monitors.rootcause.base import Rows
from monitors.rootcause.cubes import along, cover, limit, place
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


def cells(rows: Rows, columns: tuple[int, ...]) -> Integers:
    """One number per row for its codes in the columns."""
    if not columns:
        return np.zeros(len(rows.codes), np.int64)
    return place(list(rows.codes.T), [kept + 1 for kept in rows.kept], columns)


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


def _sets(rows: Rows, attributes: int) -> list[tuple[int, ...]]:
    """Sets of columns whose tables are not too wide."""
    used = [c for c in range(rows.codes.shape[1]) if rows.kept[c] >= 1]
    return [
        columns
        for length in range(1, attributes + 1)
        for columns in combinations(used, length)
        if rows.blocks * int(np.prod([rows.kept[c] + 1 for c in columns])) <= WIDEST
    ]


def _sums(at: Integers, values: Floats, groups: int, blocks: int) -> Floats:
    """Sums (groups, blocks) by packed group and block."""
    found = np.bincount(at, values, groups * blocks).astype(np.float64, copy=False)
    return np.asarray(found.reshape(groups, blocks))


@dataclass(frozen=True, slots=True)
class _Part:
    """Of one set of columns: cells that can be searched, as in Tables; `tied` where a pair says
    the same thing twice."""

    cell: Integers
    total: Floats
    weight: Floats
    noise: Floats
    alike: list[float]
    tied: bool


def tables(rows: Rows, attributes: int = ATTRIBUTES) -> Tables:
    """Every combination of at most `attributes` columns, less sets of which one column says what
    another says already. O(wide tables x rows + sets of columns x cells)."""
    overall = float(rows.scatter.mean())
    by_block, weights = (
        _sums(rows.block, each, 1, rows.blocks) for each in (rows.residual, rows.weight)
    )
    day = by_block[0] / np.maximum(weights[0], 1e-12)
    sizes = [kept + 1 for kept in rows.kept]
    codes = list(rows.codes.T)
    wanted = _sets(rows, attributes)
    even = float(rows.weight[0]) if np.ptp(rows.weight) == 0 else 0.0
    made: dict[tuple[int, ...], _Part] = {}
    for wide, mine in cover(wanted, sizes, limit(len(rows.block)), rows.blocks):
        shape = tuple(sizes[c] for c in wide)
        cell = place(codes, sizes, wide)
        size = int(np.prod(shape))
        square = np.bincount(cell, rows.scatter, size).reshape(shape)
        many = None if even else np.bincount(cell, minlength=size).reshape(shape)
        cell *= rows.blocks
        cell += rows.block
        weight, total = (
            np.bincount(cell, each, size * rows.blocks).reshape(*shape, rows.blocks)
            for each in (rows.weight, rows.residual)
        )
        for each in mine:
            inside = along(weight, wide, each)
            lines = inside.reshape(-1, rows.blocks)
            sums = lines.sum(1)
            counts = sums / even if many is None else along(many, wide, each).ravel()
            tied = len(each) == 2 and _tied(counts.reshape(inside.shape[:-1]) > 0)
            held = np.flatnonzero(_named(rows, each) & (sums >= rows.least))
            if not len(held):
                made[each] = _Part(held, lines[held], lines[held], sums[held], [], tied)
                continue
            mass = lines[held]
            left = along(total, wide, each).reshape(-1, rows.blocks)[held]
            scatter = along(square, wide, each).ravel()[held]
            noise = (scatter + PRIOR * overall) / (counts[held] + PRIOR)
            alike = _clustering(left - mass * day, mass, noise, rows)
            made[each] = _Part(held.astype(np.int64), left, mass, noise, alike, tied)
    return _together(rows, wanted, made, (by_block, weights, overall), attributes)


def _tied(there: Bools) -> bool:
    """Whether each value of one column occurs with one value of the other alone."""
    return bool((there.sum(0) <= 1).all() or (there.sum(1) <= 1).all())


def _together(
    rows: Rows, wanted: list[tuple[int, ...]], made: dict[tuple[int, ...], _Part],
    whole: tuple[Floats, Floats, float], attributes: int,
) -> Tables:  # fmt: skip
    tied = {columns for columns, part in made.items() if part.tied}
    kept = [
        columns for columns in wanted
        if len(made[columns].cell) and not tied.intersection(combinations(columns, 2))
    ]  # fmt: skip
    parts = [made[columns] for columns in kept]
    alike = [each for part in parts for each in part.alike]
    which = np.repeat(np.arange(len(parts) + 1), [1, *(len(p.cell) for p in parts)])
    length = np.array([0, *map(len, kept)])[which]
    compete = np.bincount(length, minlength=attributes + 1)
    total, weight = (
        np.concatenate([whole[n], *(each)])
        for n, each in enumerate(([p.total for p in parts], [p.weight for p in parts]))
    )
    noise = np.concatenate([np.full(1, whole[2]), *(p.noise for p in parts)])
    noise *= max(1.0, float(np.median(alike))) if alike else 1.0
    price = np.log(np.maximum(compete[length], 1)) + np.log(2) * (length > 0)
    cell = np.concatenate([np.zeros(1, np.int64), *(p.cell for p in parts)])
    return Tables(((), *kept), which, cell, total, weight, noise, price)


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
    codes = [code[chosen] for code in rows.codes.T]
    sizes = [kept + 1 for kept in rows.kept]
    start = np.searchsorted(table.which, np.arange(len(table.columns) + 1))
    for n, columns in enumerate(table.columns):
        groups = slice(start[n], start[n + 1])
        size = int(np.prod([sizes[c] for c in columns], dtype=np.int64))
        cell = place(codes, sizes, columns) if columns else np.zeros(len(block), np.int64)
        for into, each in zip(found, sums, strict=True):
            into[groups] = _sums(cell * rows.blocks + block, each, size, rows.blocks)[
                table.cell[groups]
            ]
    return found
