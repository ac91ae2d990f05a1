"""Which attribute combinations explain a change best: a scan statistic over all of them.

For a segment S with current sum V and expected sum E (its current weight at the reference's rates)
the gain is the power divergence of some order (Cressie and Read, JRSS B 46, 1984) of V from E,
which at order 0 is Kulldorff's likelihood ratio (Communications in Statistics 26, 1997) and at
-0.5 that of Freeman and Tukey. It is greatest for the segment that holds the whole change and
nothing else. A further attribute costs a share of the gain, a further value of the same attributes
another, so a longer description must earn its length. Constants: cross-validated on labelled
incidents, docs/benchmarks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from monitors.rootcause.leaves import Leaves, packed
from monitors.windows import Bools, Floats, Integers

Segment = tuple[tuple[str, str], ...]  # ((column, value), ...), one value per column


@dataclass(frozen=True, slots=True)
class Costs:
    """What a description pays, as shares of its gain; `prior` is the weight of the overall rate in
    each leaf's expected rate; `spoiled` times the median rate marks a reference block as itself
    anomalous; `follow` is the least share of the best value's gain that a further one needs."""

    attribute: float = 0.05
    value: float = 0.15
    order: float = -0.5
    prior: float = 20.0
    spoiled: float = 2.0
    follow: float = 0.2
    attributes: int = 3
    values: int = 3
    columns: int = 6  # searched in combination: those with the greatest gains alone


@dataclass(frozen=True, slots=True)
class Candidate:
    """Disjoint segments over the same columns with their joint score (no unit)."""

    segments: tuple[Segment, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Windows:
    """Per leaf: current sum and weight, reference sum and weight, and the sum expected now."""

    value: Floats
    weight: Floats
    before: Floats
    before_weight: Floats
    expected: Floats
    rising: bool
    bounded: bool  # 0 <= value <= weight: a fall is a rise of what is missing
    signed: bool  # values under 0 occur: sums are no counts

    @property
    def rates(self) -> tuple[float, float]:
        """(before, after) over everything."""
        return (
            float(self.before.sum() / self.before_weight.sum()),
            float(self.value.sum() / self.weight.sum()),
        )


def windows(rows: Leaves, current: Bools, costs: Costs) -> Windows:
    """Compare the blocks marked current (blocks,) with the others, less the spoiled ones."""
    reference = ~current & ~_spoiled(rows, current, costs)
    value, weight = rows.sums(current)
    before, before_weight = rows.sums(reference)
    overall = before.sum() / max(before_weight.sum(), 1e-12)
    prior = costs.prior * min(1.0, before_weight.sum() / max(len(before_weight), 1) / costs.prior)
    rate = (before + prior * overall) / np.maximum(before_weight + prior, 1e-12)
    expected = weight * rate
    rising = bool(value.sum() >= expected.sum())
    signed = bool((rows.total < 0).any())
    bounded = not signed and bool((rows.total <= rows.weight * (1 + 1e-9)).all())
    return Windows(value, weight, before, before_weight, expected, rising, bounded, signed)


def _spoiled(rows: Leaves, current: Bools, costs: Costs) -> Bools:
    """Reference blocks that were anomalous themselves; at most half of them."""
    total = np.bincount(rows.block, rows.total, rows.blocks)
    weight = np.bincount(rows.block, rows.weight, rows.blocks)
    rate = total / np.maximum(weight, 1e-12)
    usual = float(np.median(rate[~current])) if (~current).any() else 0.0
    off = np.asarray(~current & (np.abs(rate) > costs.spoiled * abs(usual)), bool)
    return off if usual and off.sum() * 2 <= (~current).sum() else np.zeros_like(off)


def gain(value: Floats, expected: Floats, weight: Floats, of: Windows, order: float) -> Floats:
    """Evidence per segment that it changed in the direction of the whole; 0 elsewhere."""
    if of.signed:
        moved = value - expected if of.rising else expected - value
        return np.where(moved > 0, moved**2 / np.maximum(weight, 1e-12), 0.0)
    if not of.rising and of.bounded:
        value, expected = weight - value, weight - expected
    expected = np.maximum(expected, 1e-9)
    if not of.rising and not of.bounded:
        ratio = np.maximum(value / expected, 1e-12)
        return np.where(value < expected, value * np.log(ratio) - (value - expected), 0.0)
    ratio = np.maximum(value / expected, 1e-12)
    if order:
        found = (value * (ratio**order - 1) / order - (value - expected)) / (order + 1)
    else:
        found = value * np.log(ratio) - (value - expected)
    return np.asarray(np.where(value > expected, found, 0.0))


@dataclass(frozen=True, slots=True)
class _Cuboid:
    columns: tuple[int, ...]
    group: Integers  # group per leaf
    gains: Floats  # per group


def _cuboid(rows: Leaves, of: Windows, columns: tuple[int, ...], order: float) -> _Cuboid:
    group = packed(rows.codes[:, columns])
    value, expected, weight = (
        np.bincount(group, x).astype(np.float64) for x in (of.value, of.expected, of.weight)
    )
    return _Cuboid(columns, group, gain(value, expected, weight, of, order))


def search(rows: Leaves, of: Windows, costs: Costs, keep: int = 100) -> list[Candidate]:
    """The best candidates, best first; none where nothing moved the way the whole did."""
    cuboids: list[_Cuboid] = []
    single = [_cuboid(rows, of, (c,), costs.order) for c in range(len(rows.columns))]
    cuboids += single
    strong = sorted(single, key=lambda c: -float(c.gains.max(initial=0.0)))[: costs.columns]
    wide = sorted(c.columns[0] for c in strong)
    for size in range(2, min(costs.attributes, len(wide)) + 1):
        cuboids += [_cuboid(rows, of, c, costs.order) for c in combinations(wide, size)]
    found: list[tuple[float, int, _Cuboid, Integers]] = []
    for number, cuboid in enumerate(cuboids):
        top = np.argsort(-cuboid.gains, kind="stable")[: costs.values]
        total = 0.0
        for m, index in enumerate(top):
            if cuboid.gains[index] <= (costs.follow * cuboid.gains[top[0]] if m else 0.0):
                break
            total += float(cuboid.gains[index])
            length = (1 - costs.attribute) ** (len(cuboid.columns) - 1) * (1 - costs.value) ** m
            found.append((total * length, number, cuboid, top[: m + 1].astype(np.int64)))
    found.sort(key=lambda f: (-f[0], f[1]))
    return [Candidate(_named(rows, c, groups), score) for score, _, c, groups in found[:keep]]


def _named(rows: Leaves, cuboid: _Cuboid, groups: Integers) -> tuple[Segment, ...]:
    first = {int(g): int(np.flatnonzero(cuboid.group == g)[0]) for g in groups}
    return tuple(
        tuple(
            (rows.columns[c], rows.values[c][rows.codes[first[int(g)], c]]) for c in cuboid.columns
        )
        for g in groups
    )


def inside(rows: Leaves, segment: Segment) -> Bools:
    """Which leaves (leaves,) lie in a segment."""
    held = np.ones(len(rows.codes), bool)
    for column, value in segment:
        index = rows.columns.index(column)
        held &= rows.codes[:, index] == rows.values[index].index(value)
    return held
