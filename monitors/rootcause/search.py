"""The smallest segment that explains a shift, with effect, interval, share and onset.

Which segment stands out most is an estimate too: others may fit nearly as well. Those are kept, as
a set of segments that sessions drawn anew do not tell from the best one, and where another signal
changed at the same time in one of them, and says so more clearly, that one is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitors.changepoint import onset_interval, split
from monitors.drift.mean_shift import Shift
from monitors.windows import Bools, Floats, Units

DRAWS = 400  # of the bootstrap
RIVAL = 0.05  # share of the draws in which a segment that fits as well beats the best one


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


def _rivals(units: Units, shift: Shift, onset_ns: int) -> list[int]:
    """Segments that are not told apart from the strongest, the best fit first.

    The gain of a segment is the log likelihood ratio (times 2) of a change of it alone at the
    onset. A rival's is at least the strongest one's in RIVAL of DRAWS bootstrap samples of
    sessions: a paired comparison, since both are measured on the same rows.
    """
    sessions = int(units.session.max()) + 1
    starts = np.searchsorted(units.session, np.arange(sessions))
    members, late = units.members.astype(np.float64), units.time >= onset_ns
    parts = []
    for side in (members * late, members * ~late):
        parts += [np.add.reduceat(each, starts, axis=1).T for each in (side * units.residual, side)]
    square = np.square(np.add.reduceat(members * units.residual, starts, axis=1)).sum(1)
    scale = np.maximum(square / members.sum(1), 1e-12)
    draw = np.random.default_rng(0)
    times = draw.multinomial(sessions, np.full(sessions, 1 / sessions), DRAWS).astype(np.float64)
    times = np.vstack([np.ones(sessions), times])
    a, n, b, m = (times @ part for part in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.nan_to_num((a / n - b / m) ** 2 / (scale * (1 / n + 1 / m)))
    beats = (gain[1:] >= gain[1:, [shift.segment]] * (1 - 1e-9)).mean(0) >= RIVAL
    order = np.argsort(-gain[0], kind="stable")
    return [int(i) for i in order if beats[i] and i != shift.segment]


@dataclass(frozen=True, slots=True)
class Found:
    """The cause, the five strongest candidates at its onset, and the segments that this signal
    does not tell from it. `beside`: the signal that chose among them, "" where none did."""

    cause: Cause
    candidates: list[Cause]
    rivals: list[dict[str, str]]
    beside: str = ""


def search(units: Units, shift: Shift, others: Sequence[tuple[str, Cause]] = ()) -> Found:
    """`others` are (signal, cause) of changes that stand out more, the clearest first."""
    cause, beside = describe(units, shift.segment), ""
    rivals = _rivals(units, shift, cause.onset_ns)
    for signal, other in others:
        if not cause.onset_low_ns <= other.onset_ns <= cause.onset_high_ns:
            continue
        if other.segment == cause.segment:
            break
        fits = [i for i in _rivals(units, shift, other.onset_ns)
                if units.segments[i] == other.segment]  # fmt: skip
        if fits:
            cause, beside = describe(units, fits[0]), signal
            rivals = [shift.segment, *(i for i in rivals if i != fits[0])]
            break
    top = [int(i) for i in np.argsort(-shift.strength, kind="stable")[:5]]
    candidates = [describe(units, i, cause.onset_ns) for i in top]
    return Found(cause, candidates, [units.segments[i] for i in rivals], beside)
