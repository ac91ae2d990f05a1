"""Streams of days and of hours run side by side, at one budget of false alarms for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from monitors.drift.e_bh import e_bh
from monitors.drift.e_detector import Alarm, threshold
from monitors.windows import Floats

# Of the budget, by hours of a block. A day's mean is the surest about small changes, and the margin
# weighs more against it than against an hour, whose noise is larger: with equal shares it was the
# hours' noise that said what a day had to exceed (docs/benchmarks.md).
SHARES = {1: 0.05, 4: 0.15, 24: 0.8}


def thresholds(streams: Mapping[int, int], budget: float) -> dict[int, float]:
    """The threshold of each block length, of so many `streams` by hours of a block, which keep the
    `budget` together: n streams at c grow by n x blocks / c in 30 days. What no stream uses of a
    length is the others'."""
    whole = sum(SHARES[hours] for hours, n in streams.items() if n) or 1.0
    return {
        hours: threshold(n, budget * SHARES[hours] / whole, 24 // hours)
        for hours, n in streams.items()
    }


class Detectors(Protocol):
    """E-detectors of several streams with blocks of one length."""

    @property
    def sums(self) -> Floats:
        """Each stream's detector now (streams,)."""

    def step(self, block: int, /) -> None:
        """Judge the next block."""

    def ring(self, stream: int, block: int, /) -> Alarm:
        """Say what changed in a stream, which begins anew."""


@dataclass(frozen=True, slots=True)
class Run:
    """Detectors whose `blocks` blocks last `hours` each; one stream alone rings at `c`."""

    detectors: Detectors
    blocks: int
    hours: int
    c: float


@dataclass(frozen=True, slots=True)
class Rung:
    """An alarm of run number `run`, at the end of hour number `hour`."""

    run: int
    hour: int
    alarm: Alarm


def together(runs: Sequence[Run]) -> list[Rung]:
    """Every alarm in order: blocks are judged as they end, and after each moment e-BH says which
    streams of all runs ring. What rings at one moment is one episode."""
    found: list[Rung] = []
    last = max((run.blocks * run.hours for run in runs), default=0)
    for hour in range(1, last + 1):
        ended = [r for r in runs if hour % r.hours == 0 and hour // r.hours <= r.blocks]
        for run in ended:
            run.detectors.step(hour // run.hours - 1)
        if not ended:
            continue
        multiples = [run.detectors.sums / run.c for run in runs]
        first = np.cumsum([0, *(len(m) for m in multiples)])
        for stream in e_bh(np.concatenate(multiples)):
            number = int(np.searchsorted(first, stream, side="right")) - 1
            run, block = runs[number], min(hour // runs[number].hours, runs[number].blocks) - 1
            alarm = run.detectors.ring(int(stream - first[number]), block)
            found.append(Rung(number, hour, alarm))
    return found
