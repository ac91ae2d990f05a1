"""The smallest set of segments that explains a change, found one by one, each tested in turn.

A segment's change is compared with that of all other rows at the same time, which takes out what
days do to everybody; how much of it is taken out depends on how much days differ (a random effect
of the window). The score is a log likelihood ratio less the logarithm of how many segments of that
length compete, so that a longer description must earn its length. All rows together are one of the
segments. The best one's effect is then removed and the search repeated on what is left; its p-value
counts that search, by the greatest score over permuted labels of blocks (Westfall and Young 1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitors.rootcause.base import Rows
from monitors.rootcause.tables import Tables, cells, codes_of, tables, within
from monitors.windows import Bools, Floats

MOST = 5  # causes
CHUNK = 2_000  # groups whose scores are held at once
ROUNDS = 3
EXPECTED = 0.25  # a segment with less of its usual weight in the window is not judged by it
NOTHING = -1e9
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """A group of the tables; `effect` is the change of a row inside it that it explains."""

    group: int
    effect: float
    score: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Search:
    """`picks` in the order found, the first of them perhaps not significant; `ranking` the picks
    and then what is best beside them, each with its (column, index of the value) pairs."""

    picks: tuple[Pick, ...]
    ranking: tuple[tuple[int, Pairs], ...]


def day_variance(table: Tables) -> float:
    """Variance between the means of blocks beyond what their rows explain, by the median absolute
    deviation: the blocks of a real change hardly move it."""
    weight = np.maximum(table.weight[0], 1e-12)
    mean = table.total[0] / weight
    scale = 1.4826 * float(np.median(np.abs(mean - np.median(mean))))
    return max(0.0, scale**2 - float(np.median(table.noise[0] / weight)))


def scores(table: Tables, total: Floats, labels: Floats, days: float, fixed: bool
           ) -> tuple[Floats, Floats]:  # fmt: skip
    """(scores, effects), both (groups, labelings), for residual sums `total` (groups, blocks) and
    `labels` (blocks, labelings) of 1 for current. `fixed`: the window's own effect is free, because
    a change everywhere was found already.

    With w weights, t sums, 1 current, 0 reference and no index both, a change of the mean is
    t1 / w1 - t0 / w0 = (t1 w - t w1) / (w1 w0): one product of matrices for the numerator.
    """
    k = labels.sum(0)
    spread = days * (1 / k + 1 / np.maximum(len(labels) - k, 1))
    inside, a, w1 = _change(total, table.weight, table.noise, labels)
    rest, c, _ = _change(
        total[:1] - total, table.weight[:1] - table.weight,
        np.broadcast_to(table.noise[:1], table.noise.shape), labels,
    )  # fmt: skip
    pull = np.where(np.isfinite(c), 1.0, 0.0) if fixed else spread / (spread + c)
    effect = inside - pull * rest
    free = np.where(pull > 0, pull * np.where(np.isfinite(c), c, 0.0), spread)
    found = effect**2 / (a + free) / 2 - table.price[:, None]
    expected = table.weight.sum(1)[:, None] * (k / len(labels))
    usable = np.isfinite(a) & (w1 >= EXPECTED * expected)
    return np.where(usable, found, NOTHING), np.where(usable, effect, 0.0)


def _change(total: Floats, weight: Floats, noise: Floats, labels: Floats
            ) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """(change of the mean residual, its variance, current weight), each (groups, labelings)."""
    sums, weights = total.sum(1, keepdims=True), weight.sum(1, keepdims=True)
    w1 = weight @ labels
    both = w1 * np.maximum(weights - w1, 0.0)
    tiny = 1e-9 * weights**2
    bad = both <= tiny
    both[bad] = 1.0
    moved = ((weights * total - sums * weight) @ labels) / both
    variance = noise[:, None] * weights / both
    if bad.any():
        # What the reference lacks is compared with 0, the mean that the fit expects of it.
        group, draw = np.nonzero(bad)
        now = w1[group, draw]
        new = now > tiny[group, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            moved[group, draw] = np.where(new, sums[group, 0] / now, 0.0)
            variance[group, draw] = np.where(new, noise[group] / now, np.inf)
    return moved, variance, w1


def _best(
    table: Tables, total: Floats, labels: Floats, days: float, fixed: bool, all_rows: bool
) -> Floats:
    """The greatest score of each labeling."""
    found = np.full(labels.shape[1], NOTHING)
    for start in range(0, len(total), CHUNK):
        # The first group is all rows, which the others are compared with.
        rows = np.r_[0, max(1, start) : min(len(total), start + CHUNK)]
        part = replace(table, weight=table.weight[rows], noise=table.noise[rows],
                       price=table.price[rows])  # fmt: skip
        score, _ = scores(part, total[rows], labels, days, fixed)
        if fixed or not all_rows:
            score[0] = NOTHING
        found = np.maximum(found, score.max(0))
    return found


def mask(rows: Rows, table: Tables, group: int) -> Bools:
    """Rows (rows,) of a group."""
    columns = table.columns[table.which[group]]
    return np.asarray(cells(rows, columns) == table.cell[group], bool)


def named(rows: Rows, table: Tables, group: int) -> Pairs:
    """((column, index of its value in Leaves.values), ...) of a group."""
    columns = table.columns[table.which[group]]
    codes = codes_of(rows, columns, int(table.cell[group]))
    return tuple((c, int(rows.names[c][v])) for c, v in zip(columns, codes, strict=True))


class _State:
    """Tables less the effects of the causes so far."""

    def __init__(self, rows: Rows, table: Tables, current: Bools, all_rows: bool = True) -> None:
        self.rows, self.table, self.current = rows, table, current
        self.all_rows = all_rows  # may all rows together be a cause?
        self.labels = current.astype(np.float64)[:, None]
        self.days = day_variance(table)
        self.groups: list[int] = []
        self.effects: list[float] = []
        self._added: dict[int, tuple[Floats, Floats, float]] = {}

    def without(self, skip: int = -1) -> Floats:
        """Residual sums less the effect of all causes but number `skip`. What is left of a cause's
        own rows is scaled to scatter as before it: a failure rate of 60% is noisier than one of 5%,
        and its noise would pass for a further cause."""
        total = self.table.total.copy()
        for n, (group, effect) in enumerate(zip(self.groups, self.effects, strict=True)):
            if n != skip:
                weight, sums, scale = self._inside(group)
                total -= scale * effect * weight + (1 - scale) * sums
        return total

    def _inside(self, group: int) -> tuple[Floats, Floats, float]:
        """(weights, residual sums of a cause's current rows in each group and block, its usual
        scatter over the present one)."""
        if group not in self._added:
            rows, now = self.rows, self.current[self.rows.block]
            held = mask(rows, self.table, group)
            both = [_scatter(rows, held & side) for side in (~now, now)]
            scale = min(1.0, float(np.sqrt(both[0] / both[1]))) if min(both) > 0 else 1.0
            self._added[group] = (*within(rows, self.table, held & now), scale)
        return self._added[group]

    def fixed(self, skip: int = -1) -> bool:
        return any(g == 0 for n, g in enumerate(self.groups) if n != skip)

    def scan(self, skip: int = -1) -> tuple[Floats, Floats]:
        """(scores, effects) of all groups (groups,), the other causes removed."""
        score, effect = scores(
            self.table, self.without(skip), self.labels, self.days, self.fixed(skip)
        )
        for n, group in enumerate(self.groups):
            if n != skip:
                score[group] = NOTHING
        if not self.all_rows:
            score[0] = NOTHING
        return score[:, 0], effect[:, 0]

    def add(self, group: int, effect: float) -> None:
        self.groups.append(group)
        self.effects.append(effect)

    def settle(self) -> None:
        """Each cause again with the others removed: another segment may now fit better, and
        overlapping ones share what both explain."""
        for _ in range(ROUNDS):
            moved = False
            for n in range(len(self.groups)):
                score, effect = self.scan(n)
                best = int(score.argmax())
                moved |= best != self.groups[n]
                self.groups[n], self.effects[n] = best, float(effect[best])
            if not moved:
                break


def _scatter(rows: Rows, chosen: Bools) -> float:
    """Variance of the residual of a row of weight 1 among the chosen."""
    sums, weight = rows.residual[chosen], np.maximum(rows.weight[chosen], 1e-12)
    if len(sums) < 2:
        return 0.0
    return float(((sums - weight * sums.sum() / weight.sum()) ** 2 / weight).mean())


def forward(
    rows: Rows, current: Bools, marks: Sequence[Bools], level: float = 0.05, most: int = MOST,
    keep: int = 10,
) -> Search:  # fmt: skip
    """Causes until the next is not significant at `level`; `marks` are permuted labels (blocks,).

    The first is given whatever its p-value, so that a reader sees what comes nearest.
    """
    table = tables(rows)
    labels = np.column_stack([m.astype(np.float64) for m in marks])
    state = _State(rows, table, current)
    picks = _select(state, labels, level, most)
    if 0 in state.groups and len(picks) > 1:
        # "Everywhere but in z" is no better than "in x and in y": segments that leave nothing
        # significant, everywhere included, go first where they are no more.
        other = _State(rows, table, current, all_rows=False)
        theirs = _select(other, labels, level, len(picks))
        other.all_rows = True
        score, _ = other.scan()
        drawn = _best(table, other.without(), labels, other.days, False, True)
        if (1 + (drawn >= score.max()).sum()) / (1 + len(marks)) > level:
            state, picks = other, theirs
    rest, _ = state.scan()
    others = [int(g) for g in np.argsort(-rest, kind="stable")[:keep] if rest[g] > NOTHING]
    return Search(
        tuple(Pick(g, e, s, p) for g, e, (s, p) in
              zip(state.groups, state.effects, picks, strict=True)),
        tuple((g, named(rows, table, g)) for g in dict.fromkeys([*state.groups, *others])),
    )  # fmt: skip


def _select(state: _State, labels: Floats, level: float, most: int) -> list[tuple[float, float]]:
    """Add causes to the state until the next is not significant: (score, p-value) of each."""
    picks: list[tuple[float, float]] = []
    while len(picks) < most:
        score, effect = state.scan()
        best = int(score.argmax())
        if score[best] <= 0 and picks:
            break
        drawn = _best(state.table, state.without(), labels, state.days, state.fixed(),
                      state.all_rows)  # fmt: skip
        chance = float((1 + (drawn >= score[best]).sum()) / (1 + labels.shape[1]))
        if chance > level and picks:
            break
        state.add(best, float(effect[best]))
        picks.append((float(score[best]), chance))
        if chance > level:
            break
        if len(picks) > 1:
            state.settle()
    return picks
