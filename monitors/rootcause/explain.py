"""What changed, where, how much of it, and whether quiet windows do the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np
from scipy import stats

from monitors.rootcause.base import additive
from monitors.rootcause.decompose import Parts, parts
from monitors.rootcause.forward import Search, forward
from monitors.rootcause.leaves import Leaves, LeavesError
from monitors.rootcause.scan import Candidate, Costs, Segment, Windows, inside, search, windows
from monitors.windows import Bools, Floats

DRAWS, FEW_DRAWS, MANY_LEAVES = 199, 19, 50_000  # permutations; fewer where each takes seconds
EVERYWHERE = 0.5  # share of the change outside the best segments that makes it 'everywhere'
MIX = 0.5  # share of the change that the mix of leaves makes alone
LEVEL = 0.05  # at which a further cause is named
FEWEST_ROWS = 400  # under which a residual's scatter is not known
BLOCKS = 12  # reference blocks, from which on their scatter says what is usual
ALIKE = 0.95  # of both weights lie in both: then no data can tell two segments apart


@dataclass(frozen=True, slots=True)
class Cause:
    """One segment; `share` of the total's change happened inside it (under 0 or over 1 where other
    parts moved the other way), with a 95% interval from the scatter of reference blocks; `mix` is
    what its changed weight did. `p_value` counts the whole search."""

    segment: dict[str, list[str]]
    share: float
    share_low: float
    share_high: float
    mix: float
    before: float
    after: float
    weight: float  # the segment's part of the current weight
    p_value: float
    same_rows: list[dict[str, list[str]]] = field(default_factory=list)  # what cannot be told apart


@dataclass(frozen=True, slots=True)
class Explanation:
    """`kind` is segment, everywhere, mix or none. `parts` are (what, contribution) rows that add up
    to after - before. `p_change` tests that the total changed at all."""

    kind: str
    before: float
    after: float
    p_change: float
    causes: list[Cause]
    parts: list[tuple[str, float]]
    candidates: list[Candidate]
    blocks: tuple[int, int]  # reference, current
    least_p: float


def explain(rows: Leaves, current: Bools, costs: Costs | None = None, seed: int = 0) -> Explanation:
    """Explain the change between the blocks marked current (blocks,) and all others.

    p-values permute the labels of blocks and repeat the whole search (maximum statistic), so with
    n reference blocks and one current block none is under 1 / (n + 1). Raises LeavesError.
    """
    costs = costs or Costs()
    n, k = int((~current).sum()), int(current.sum())
    if not n or not k:
        raise LeavesError("both a reference and a current window need rows")
    of = windows(rows, current, costs)
    if not of.weight.sum() or not of.before_weight.sum():
        raise LeavesError("the denominator is 0 in one of the two windows")
    if n >= BLOCKS and len(rows.leaf) >= FEWEST_ROWS:
        return _forward(rows, current, of, seed)
    before, after = of.rates
    candidates = search(rows, of, costs)
    chance, p_change, least_p = _chance(rows, current, costs, candidates, seed)
    split = _split(rows, of, candidates[:1])
    if not candidates or not split.total:
        return Explanation("none", before, after, p_change, [], [], candidates, (n, k), least_p)
    segments = candidates[0].segments
    rest = (split.inside.sum() - split.inside[:-1].sum()) / split.total
    mixed = (of.expected.sum() / of.weight.sum() - before) / split.total
    kind = "segment"
    if chance > p_change:  # the total stands out more than any segment
        kind = "mix" if mixed >= MIX else "everywhere" if rest >= EVERYWHERE else kind
    chances = [chance] * len(segments)
    return _told(rows, current, of, kind, p_change, candidates, chances, least_p)


def _forward(rows: Leaves, current: Bools, of: Windows, seed: int) -> Explanation:
    """Causes one by one, where reference blocks are enough to know how they scatter."""
    n, k = int((~current).sum()), int(current.sum())
    marks = _labels(n + k, k, current, seed, DRAWS)
    least_p = 1 / (1 + len(marks))
    level = max(LEVEL, least_p)
    base = additive(rows)
    found = forward(base, current, marks, level)
    rate = _rates(rows)
    moved = _moved(rate, current)
    p_change = (1 + sum(_moved(rate, m) >= moved for m in marks)) / (1 + len(marks))
    candidates, chances, whole = _candidates(rows, found)
    before, after = of.rates
    expected = after - before - _residual_change(base.residual, base.weight, current[base.block])
    mixed = expected / (after - before) if after != before else 0.0
    sure = [p for p in found.picks if p.p_value <= level]
    kind = "segment" if chances else "none"
    if whole and sure:
        kind = "everywhere"
    if not sure and p_change <= level and mixed >= MIX:
        kind = "mix"
    return _told(rows, current, of, kind, p_change, candidates, chances, least_p)


def _residual_change(residual: Floats, weight: Floats, now: Bools) -> float:
    return float(
        residual[now].sum() / weight[now].sum() - residual[~now].sum() / weight[~now].sum()
    )


def _candidates(rows: Leaves, found: Search) -> tuple[list[Candidate], list[float], bool]:
    """(the picks together and what else came near, p-value per picked segment, whether all rows
    together are one of the picks)."""
    named = {
        group: tuple((rows.columns[c], rows.values[c][v]) for c, v in pairs)
        for group, pairs in found.ranking
    }
    picked = [(named[p.group], p) for p in found.picks if named[p.group]]
    best = [Candidate(tuple(s for s, _ in picked), sum(p.score for _, p in picked))]
    others = [Candidate((s,), 0.0) for s in named.values() if s]
    whole = len(picked) < len(found.picks)
    return (best if picked else []) + others, [p.p_value for _, p in picked], whole


def _told(
    rows: Leaves, current: Bools, of: Windows, kind: str, p_change: float,
    candidates: list[Candidate], chances: list[float], least_p: float,
) -> Explanation:  # fmt: skip
    """Shares, intervals and parts of the first len(chances) segments of the best candidate."""
    before, after = of.rates
    n, k = int((~current).sum()), int(current.sum())
    best = [Candidate(candidates[0].segments, candidates[0].score)] if chances else []
    split = _split(rows, of, best)
    if kind == "none" or not split.total:
        return Explanation("none", before, after, p_change, [], [], candidates, (n, k), least_p)
    segments = best[0].segments if best else ()
    noise = _noise(rows, current, (*segments, ()))
    causes = [
        _cause(of, rows, s, split, i, (noise[i], noise[-1]), n, chances[i])
        for i, s in enumerate(segments)
    ]
    named = [(_words(s), float(split.inside[i])) for i, s in enumerate(segments)]
    named += [
        ("change of mix", float(split.mix.sum())), ("unexplained", float(split.inside[-1])),
    ]  # fmt: skip
    return Explanation(kind, before, after, p_change, causes, named, candidates, (n, k), least_p)


def _split(rows: Leaves, of: Windows, best: list[Candidate]) -> Parts:
    """Contributions of the best candidate's segments and, last, of everything else."""
    part = np.full(len(rows.codes), len(best[0].segments) if best else 0)
    # Where two overlap, the rows are the first one's.
    for i, segment in reversed(list(enumerate(best[0].segments if best else ()))):
        part[inside(rows, segment)] = i
    size = (len(best[0].segments) if best else 0) + 1
    columns = (of.before, of.before_weight, of.value, of.weight)
    a, b, c, d = (np.bincount(part, each, size).astype(np.float64) for each in columns)
    return parts(a, b, c, d)


def _noise(rows: Leaves, current: Bools, segments: tuple[Segment, ...]) -> list[float]:
    """Standard deviation between reference blocks of each segment's part of the total rate."""
    found = []
    whole = np.bincount(rows.block, rows.weight, rows.blocks)[~current]
    for segment in segments:
        held = inside(rows, segment)[rows.leaf]
        total = np.bincount(rows.block[held], rows.total[held], rows.blocks)[~current]
        rate = total / np.maximum(whole, 1e-12)
        found.append(float(rate.std(ddof=1)) if len(rate) > 1 else float("inf"))
    return found


def _cause(
    of: Windows, rows: Leaves, segment: Segment, split: Parts, index: int,
    noise: tuple[float, float], n: int, chance: float,
) -> Cause:  # fmt: skip
    held = inside(rows, segment)
    w0, w1 = of.before_weight[held].sum(), of.weight[held].sum()
    r0 = of.before[held].sum() / w0 if w0 else float("nan")
    r1 = of.value[held].sum() / w1 if w1 else float("nan")
    share = split.inside[index] / split.total
    # Delta method for a ratio; part and whole are taken as independent, which only widens it.
    scatter = np.hypot(noise[0], share * noise[1]) * np.sqrt(1 + 1 / n)
    wide = stats.t.ppf(0.975, max(n - 1, 1)) * scatter / abs(split.total)
    return Cause(
        {c: [v] for c, v in segment}, float(share), float(share - wide), float(share + wide),
        float(split.mix[index] / split.total), float(r0), float(r1),
        float(w1 / of.weight.sum()), chance, _same(rows, of.weight + of.before_weight, segment),
    )  # fmt: skip


def _same(rows: Leaves, weight: Floats, segment: Segment) -> list[dict[str, list[str]]]:
    """Values of other columns that hold nearly the same rows as the segment."""
    held, found = np.flatnonzero(inside(rows, segment)), []
    heavy = weight[held]
    for index, column in enumerate(rows.columns):
        if column in dict(segment):
            continue
        size, codes = len(rows.values[index]), rows.codes[:, index]
        mine = np.bincount(codes[held], heavy, size)
        best = int(mine.argmax())
        if mine[best] < ALIKE * float(heavy.sum()):
            continue
        whole = weight[codes == best].sum()
        if mine[best] >= ALIKE * float(whole):
            found.append({column: [rows.values[index][best]]})
    return found


def _chance(
    rows: Leaves, current: Bools, costs: Costs, found: list[Candidate], seed: int
) -> tuple[float, float, float]:
    """(p of the best score, p of the total's change, the least p that there can be) over permuted
    labels of blocks."""
    k, n = int(current.sum()), len(current)
    seen = found[0].score if found else 0.0
    rate = _rates(rows)
    moved = _moved(rate, current)
    higher = changed = 1
    most = DRAWS if len(rows.codes) < MANY_LEAVES else FEW_DRAWS
    draws = _labels(n, k, current, seed, most)
    for labels in draws:
        other = search(rows, windows(rows, labels, costs), costs, keep=1)
        higher += bool(other and other[0].score >= seen)
        changed += _moved(rate, labels) >= moved
    count = 1 + len(draws)
    return higher / count, changed / count, 1 / count


def _rates(rows: Leaves) -> Floats:
    total = np.bincount(rows.block, rows.total, rows.blocks)
    return np.asarray(total / np.maximum(np.bincount(rows.block, rows.weight, rows.blocks), 1e-12))


def _moved(rate: Floats, current: Bools) -> float:
    return float(abs(rate[current].mean() - np.median(rate[~current])))


def _labels(n: int, k: int, current: Bools, seed: int, most: int) -> list[Bools]:
    """All other choices of k blocks out of n, or `most` of them at random."""
    marks: list[Bools] = []
    if comb(n, k) - 1 <= most:
        for chosen in combinations(range(n), k):
            mark = np.zeros(n, bool)
            mark[list(chosen)] = True
            if (mark != current).any():
                marks.append(mark)
        return marks
    draw = np.random.default_rng(seed)
    for _ in range(most):
        mark = np.zeros(n, bool)
        mark[draw.choice(n, k, replace=False)] = True
        marks.append(mark)
    return marks


def _words(segment: Segment) -> str:
    return " and ".join(f"{column}={value}" for column, value in segment)
