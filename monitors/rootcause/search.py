"""The smallest segment that explains a shift, with effect, interval, share and onset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monitors.changepoint import onset_interval, split
from monitors.drift.mean_shift import Shift
from monitors.windows import Bools, Floats, Units

DRAWS = 400  # of the bootstrap


@dataclass(frozen=True, slots=True)
class Cause:
    """A segment with its change: counts of sessions, onset in ns with a 90% interval, a 95%
    interval for the effect, and `share`, the part of the whole project's change that happened
    inside it (under 0 or over 1 where the rest moved the other way) with a 95% interval."""

    segment: dict[str, str]
    onset_ns: int
    n_before: int
    n_after: int
    before: float
    after: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float
    onset_low_ns: int
    onset_high_ns: int

    @property
    def effect(self) -> float:
        return self.after - self.before

    def candidate(self) -> dict[str, Any]:
        """As the findings page shows it in the table of candidates."""
        return {
            "segment": self.segment, "share": self.share, "share_low": self.share_low,
            "share_high": self.share_high, "effect": self.effect,
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


def _shares(units: Units, mask: Bools, late: Bools) -> tuple[float, float, float]:
    """The segment's part of the change of the mean residual (a unit's own mix held fixed), and a
    95% interval from DRAWS bootstrap samples of sessions; NaN where nothing changed."""
    sessions = int(units.session.max()) + 1
    columns = []
    for held in (mask & late, mask & ~late, late, ~late):
        columns += [np.bincount(units.session[held], each, sessions)
                    for each in (units.residual[held], None)]  # fmt: skip
    sums = np.column_stack(columns)
    draw = np.random.default_rng(0)
    times = draw.multinomial(sessions, np.full(sessions, 1 / sessions), DRAWS)
    a, n, b, m, total, count, old, old_count = np.vstack([sums.sum(0), times @ sums]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (a / n - b / m) * n / count / (total / count - old / old_count)
    if not np.isfinite(found[0]):
        return 0.0, 0.0, 0.0
    kept = found[1:][np.isfinite(found[1:])]
    low, high = np.quantile(kept, [0.025, 0.975]) if len(kept) else (found[0], found[0])
    return float(found[0]), float(low), float(high)


def describe(units: Units, index: int, onset_ns: int | None = None) -> Cause:
    """One segment before and after its onset (its own estimate unless one is given)."""
    inside = units.members[index]
    order = np.argsort(units.time[inside], kind="stable")
    time, series = units.time[inside][order], units.residual[inside][order]
    if onset_ns is None:
        onset_ns = int(time[split(series)])
    first, last = onset_interval(time, series)
    late = np.asarray(units.time >= onset_ns, bool)
    after = _sessions(units, inside & late, units.value)
    before = _sessions(units, inside & ~late, units.value)
    (a, wide_a), (b, wide_b) = _mean(after), _mean(before)
    wide = 1.96 * float(np.sqrt(wide_a + wide_b))
    return Cause(
        units.segments[index], onset_ns, len(before), len(after), b, a, a - b - wide, a - b + wide,
        *_shares(units, inside, late), min(first, onset_ns), max(last, onset_ns),
    )  # fmt: skip


def search(units: Units, shift: Shift) -> tuple[Cause, list[Cause]]:
    """(the cause, the five strongest candidates at the cause's onset)."""
    cause = describe(units, shift.segment)
    top = [int(i) for i in np.argsort(-shift.strength, kind="stable")[:5]]
    return cause, [describe(units, i, cause.onset_ns) for i in top]
