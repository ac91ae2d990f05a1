"""The smallest segment that explains a shift, with effect, interval, share and onset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monitors.changepoint import split
from monitors.drift.mean_shift import Shift
from monitors.windows import Units

PREFER_SIMPLE = 0.97


@dataclass(frozen=True, slots=True)
class Cause:
    """A segment with its change; times in ns; `share` of the whole project's change."""

    segment: dict[str, str]
    onset_ns: int
    n_before: int
    n_after: int
    before: float
    after: float
    low: float
    high: float
    share: float
    examples: dict[str, list[str]]

    @property
    def effect(self) -> float:
        return self.after - self.before

    def candidate(self) -> dict[str, Any]:
        """As the findings page shows it in the table of candidates."""
        return {
            "segment": self.segment, "share": self.share, "effect": self.effect,
            "effect_low": self.low, "effect_high": self.high, "n": self.n_before + self.n_after,
        }  # fmt: skip


def _best(units: Units, shift: Shift) -> int:
    """The strongest segment, or a simpler one around it that is nearly as strong."""
    best = shift.segment
    chosen = units.segments[best]
    for index in np.argsort(-shift.strength):
        simpler = units.segments[index]
        inside = simpler.items() < chosen.items() and len(simpler) < len(chosen)
        if inside and shift.strength[index] >= PREFER_SIMPLE * shift.strength[best]:
            return int(index)
    return best


def describe(units: Units, index: int, onset_ns: int | None = None) -> Cause:
    """One segment before and after its onset (its own estimate unless one is given)."""
    inside = units.members[index]
    values, times = units.value[inside], units.time[inside]
    if onset_ns is None:
        onset_ns = int(times[split(units.residual[inside])])
    late = times >= onset_ns
    after, before = values[late], values[~late]
    a = float(after.mean()) if len(after) else float("nan")
    b = float(before.mean()) if len(before) else float("nan")
    wide = 1.96 * float(
        np.sqrt(after.var() / max(len(after), 1) + before.var() / max(len(before), 1))
    )
    every = units.time >= onset_ns
    whole = units.residual[every].mean() - units.residual[~every].mean()
    share = (a - b) * (len(after) / max(int(every.sum()), 1)) / whole if whole else 0.0
    names = [t for t, m in zip(units.traces, inside, strict=True) if m]
    worst = [names[i] for i in np.argsort(np.where(late, values, np.inf))[: min(5, late.sum())]]
    good = [names[i] for i in np.flatnonzero(~late)[-5:]]
    return Cause(
        units.segments[index], onset_ns, len(before), len(after), b, a, a - b - wide, a - b + wide,
        float(np.clip(share, 0.0, 1.0)), {"before": good, "after": worst},
    )  # fmt: skip


def search(units: Units, shift: Shift) -> tuple[Cause, list[Cause]]:
    """(the cause, the five strongest candidates at the cause's onset)."""
    cause = describe(units, _best(units, shift))
    top = [int(i) for i in np.argsort(-shift.strength)[:5]]
    return cause, [describe(units, i, cause.onset_ns) for i in top]
