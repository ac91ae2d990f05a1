"""What a two-sample test is given and what it answers; how labels are permuted.

A two-sample test compares a reference and a current window. Its p-value is (1 + b) / (1 + B), b of
B permutations being as extreme; sessions are permuted whole, so that rows of one session may
resemble each other. Valid where sessions are exchangeable between the windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from monitors.windows import Bools, Floats, Integers

CHUNK = 128  # permutations at once


@dataclass(frozen=True, slots=True)
class Pair:
    """Both windows' rows: `values` (n, d), `late` (n,) true in the current one, `session` (n,)
    dense numbers. Numbers and codes of categories have d = 1."""

    values: Floats
    late: Bools
    session: Integers

    @property
    def sides(self) -> tuple[Floats, Floats]:
        """(reference, current) rows."""
        return self.values[~self.late], self.values[self.late]


@dataclass(frozen=True, slots=True)
class Answer:
    """`effect` is named by `effect_name`; its sign, where it has one, is current less reference."""

    statistic: float
    p_value: float
    effect: float
    effect_name: str


TwoSample = Callable[[Pair, int, int], Answer]


def pair(
    reference: Floats, current: Floats, sessions: tuple[Integers, Integers] | None = None
) -> Pair:
    """Join two windows (n, d) and (m, d); without sessions each row is its own. Session numbers of
    the two windows are different sessions. Raises ValueError on fewer than 2 sessions a side."""
    values = np.concatenate([np.atleast_2d(reference.T).T, np.atleast_2d(current.T).T])
    late = np.arange(len(values)) >= len(reference)
    if sessions is None:
        session = np.arange(len(values))
    else:
        old = np.unique(sessions[0], return_inverse=True)[1]
        new = np.unique(sessions[1], return_inverse=True)[1]
        session = np.concatenate([old, new + (int(old.max(initial=-1)) + 1)])
    if min(len(np.unique(session[~late])), len(np.unique(session[late]))) < 2:
        raise ValueError("at least two rows (or sessions) are needed in each window")
    return Pair(values.astype(np.float64), late, session.astype(np.int64))


def labels(of: Pair, seed: int, permutations: int) -> Iterator[Floats]:
    """Chunks (n, up to CHUNK) of 0 and 1, 1 where a row is current under a permutation."""
    draw = np.random.default_rng(seed)
    first = np.unique(of.session, return_index=True)[1]
    side = of.late[first].astype(np.float64)
    for done in range(0, permutations, CHUNK):
        size = min(CHUNK, permutations - done)
        yield draw.permuted(np.tile(side[:, None], size), axis=0)[of.session]


def thinned(rows: Floats, points: int, seed: int) -> Floats:
    """At most `points` of the rows, drawn without replacement."""
    if len(rows) <= points:
        return rows
    return rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:points])]


def chance(
    of: Pair, statistic: Callable[[Floats], Floats], seed: int, permutations: int
) -> tuple[float, float]:
    """(statistic of the true labels, p-value); `statistic` maps labels (n, k) to (k,)."""
    seen = float(statistic(of.late.astype(np.float64)[:, None])[0])
    bar = seen - 1e-9 * abs(seen)
    beaten = sum(int((statistic(side) >= bar).sum()) for side in labels(of, seed, permutations))
    return seen, (1 + beaten) / (1 + permutations)


def adjusted(p_values: list[float]) -> list[float]:
    """Benjamini-Hochberg adjusted p-values (JRSS B 57, 1995), in the given order."""
    order = np.argsort(p_values, kind="stable")
    n = len(p_values)
    raised = np.asarray(p_values)[order] * n / np.arange(1, n + 1)
    lowest = np.minimum.accumulate(raised[::-1])[::-1]
    out = np.empty(n)
    out[order] = np.minimum(lowest, 1.0)
    return [float(p) for p in out]
