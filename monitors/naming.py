"""Which of several segments that rang is named: the one that left the rest of the traffic behind.

A segment's means are compared with those of all other sessions in the same blocks, so that what
days do to everybody is in neither. If the fault is in the segment, the gap between the two opens at
the onset; if it is elsewhere, or everywhere, the gap to this segment does not, or opens the other
way. E-values do not tell that: they depend on how much history of the onset's kind of day there
was, and on when each stream began anew. The gap's change is a t statistic over blocks; its level is
Bonferroni's over the segments that rang. It says who is named, not whether anything is wrong: that
the e-detectors said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from monitors.series import LEAST, MIXES, Stream, table
from monitors.windows import Floats, Integers

FEW = 2  # blocks of a kind that have a mean of their own
LEVEL = 0.05  # that a segment is named when the change is the same everywhere
Segment = tuple[str, str]  # column, value


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """A stream that rang for a change that began on block `onset` and was noticed at the end of
    `block` (both counted since the first), `rose` or fell; `strength` is its detector over its
    threshold."""

    stream: Stream
    onset: int
    block: int
    rose: bool
    strength: float


def order(moved: Sequence[Moved], known: Iterable[Stream], first_hour: int) -> list[Moved]:
    """One of each segment, that to be named first: of those that part from the rest the one that
    does most clearly, else all traffic, else the strongest. `known` are the watched streams of the
    signal, whether they rang or not; block 0 begins at hour `first_hour` since 1970.

    All are compared over the same blocks, of the greatest length at which one rang, from the onset
    of the strongest there. Shares of a mix move each other, so those go by strength."""
    ranked = sorted(_strongest(moved).values(), key=lambda each: -each.strength)
    if len(ranked) < 2 or ranked[0].stream.signal in MIXES:
        return ranked
    hours = max(each.stream.hours for each in moved)
    same = [each for each in moved if each.stream.hours == hours]
    lead, end = max(same, key=lambda m: m.strength), max(each.block for each in same) + 1
    streams = {_segment(s): s for s in known if s.hours == hours}
    alike = [_segment(each.stream) for each in ranked if each.rose == lead.rose]
    parts = [streams[each] for each in alike if each[0] and each in streams]
    whole, apart = streams.get(("", "")), dict[Segment, float]()
    if whole is not None and parts:
        first = first_hour // hours
        kind = _kinds(first + np.arange(end), 24 // hours)
        gone = opened(_gaps(parts, whole, first, end), kind, lead.onset)
        gone = gone if lead.rose else -gone
        level = student.isf(LEVEL / len(parts), max(lead.onset - 1, 1))
        apart = {_segment(p): g for p, g in zip(parts, gone.tolist(), strict=True) if g > level}

    def place(each: Moved) -> tuple[bool, float, bool, float]:
        far = apart.get(_segment(each.stream), 0.0)
        return each.rose != lead.rose, -far, bool(each.stream.column), -each.strength

    return sorted(ranked, key=place)


def opened(gap: Floats, kind: Integers, onset: int) -> Floats:
    """The t statistic (streams,) of what gaps (streams, blocks) are from block `onset` on over what
    they were before it in blocks of the same kind; NaN is no block, 0 where nothing can be said."""
    found = np.zeros(len(gap))
    early = np.arange(gap.shape[1]) < onset
    for number, row in enumerate(gap):
        there = np.isfinite(row)
        before, after = there & early, there & ~early
        if before.sum() <= FEW or not after.any():
            continue
        size = kind.max() + 1
        count = np.bincount(kind[before], minlength=size)
        sums = np.bincount(kind[before], row[before], minlength=size)
        own = count >= FEW
        n = np.where(own, count, before.sum())[kind]
        left = row - np.where(own, sums / np.maximum(count, 1), row[before].mean())[kind]
        # A mean of its own costs a block of each kind.
        free = before.sum() - max(1, int(own.sum()))
        if free < 1:
            continue
        spread = float(np.sqrt((left[before] ** 2).sum() / free))
        wide = spread * float(np.sqrt(1 / after.sum() + (1 / n[after]).mean()))
        found[number] = left[after].mean() / wide if wide > 0 else 0.0
    return found


def _gaps(parts: Sequence[Stream], whole: Stream, first: int, blocks: int) -> Floats:
    """Means of each part less those of all other sessions, (parts, blocks)."""
    of_all = table([whole], first, blocks)[0]
    gaps = np.full((len(parts), blocks), np.nan)
    for number, part in enumerate(parts):
        y = table([part], first, blocks)[0]
        for block in np.flatnonzero(np.isfinite(y) & np.isfinite(of_all)):
            n, total = (s.sessions.get(int(block) + first, 0) for s in (part, whole))
            if total - n >= LEAST:
                rest = (of_all[block] * total - y[block] * n) / (total - n)
                gaps[number, block] = y[block] - rest
    return gaps


def _kinds(block: Integers, a_day: int) -> Integers:
    """By number of a block since 1970 its hour of the day, on working days and on weekends."""
    weekday = (block // a_day + 3) % 7  # 1970-01-01 was a Thursday
    return np.asarray(block % a_day + a_day * (weekday >= 5), np.int64)


def _segment(stream: Stream) -> Segment:
    return stream.column, stream.value


def _strongest(moved: Sequence[Moved]) -> Mapping[Segment, Moved]:
    found: dict[Segment, Moved] = {}
    for each in sorted(moved, key=lambda m: -m.strength):
        found.setdefault(_segment(each.stream), each)
    return found
