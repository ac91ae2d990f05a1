"""The smallest segment that explains a shift, with effect, interval, share and onset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monitors.changepoint import split
from monitors.drift.mean_shift import Shift
from monitors.windows import Bools, Floats, Units


@dataclass(frozen=True, slots=True)
class Cause:
    """A segment with its change: counts of sessions, onset in ns, a 95% interval for the effect,
    and `share`, the part of the whole project's change that happened inside it."""

    segment: dict[str, str]
    onset_ns: int
    n_before: int
    n_after: int
    before: float
    after: float
    low: float
    high: float
    share: float

    @property
    def effect(self) -> float:
        return self.after - self.before

    def candidate(self) -> dict[str, Any]:
        """As the findings page shows it in the table of candidates."""
        return {
            "segment": self.segment, "share": self.share, "effect": self.effect,
            "effect_low": self.low, "effect_high": self.high, "n": self.n_before + self.n_after,
        }  # fmt: skip


def _sessions(units: Units, mask: Bools, series: Floats) -> Floats:
    """Mean of a series per session, over the units of `mask`."""
    n = np.bincount(units.session[mask])
    return np.asarray(np.bincount(units.session[mask], series[mask])[n > 0] / n[n > 0])


def _mean(values: Floats) -> tuple[float, float]:
    """(mean, its variance), NaN where there is nothing."""
    if len(values) < 2:
        return float("nan"), float("nan")
    return float(values.mean()), float(values.var(ddof=1) / len(values))


def _change(units: Units, mask: Bools, late: Bools) -> float:
    """Change of the mean residual, a unit's own mix held fixed."""
    after, before = units.residual[mask & late], units.residual[mask & ~late]
    return float(after.mean() - before.mean()) if len(after) and len(before) else 0.0


def describe(units: Units, index: int, onset_ns: int | None = None) -> Cause:
    """One segment before and after its onset (its own estimate unless one is given)."""
    inside = units.members[index]
    if onset_ns is None:
        order = np.argsort(units.time[inside], kind="stable")
        onset_ns = int(units.time[inside][order][split(units.residual[inside][order])])
    late = np.asarray(units.time >= onset_ns, bool)
    after = _sessions(units, inside & late, units.value)
    before = _sessions(units, inside & ~late, units.value)
    (a, wide_a), (b, wide_b) = _mean(after), _mean(before)
    wide = 1.96 * float(np.sqrt(wide_a + wide_b))
    whole = _change(units, np.ones(len(late), bool), late)
    weight = (inside & late).sum() / max(int(late.sum()), 1)
    share = _change(units, inside, late) * weight / whole if whole else 0.0
    return Cause(
        units.segments[index], onset_ns, len(before), len(after), b, a, a - b - wide, a - b + wide,
        float(np.clip(share, 0.0, 1.0)),
    )  # fmt: skip


def search(units: Units, shift: Shift) -> tuple[Cause, list[Cause]]:
    """(the cause, the five strongest candidates at the cause's onset)."""
    cause = describe(units, shift.segment)
    top = [int(i) for i in np.argsort(-shift.strength, kind="stable")[:5]]
    return cause, [describe(units, i, cause.onset_ns) for i in top]
