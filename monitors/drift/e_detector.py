"""Daily streams watched for ever at a set rate of false alarms (Shin, Ramdas, Rinaldo 2022,
arXiv 2203.03532: e-detectors of Shiryaev-Roberts kind).

A day is the unit. Each day's mean is predicted from the days before it: a mean for working days
and one for weekends, what is left of yesterday's surprise (an AR(1) term whose coefficient the
streams of a project share), and a Student t for what is not known of them. If a change of the
margin and 1, 2 or 4 standard deviations began on a day, the days since then, less the change, go on
as those before it: that is another prediction, and the ratio of the two densities is the day's
e-value for that beginning. While nothing changes its expectation is 1: nearly so for normal days
without the AR term, measured otherwise (docs/benchmarks.md). Both predictions learn from all days,
each in its own way: were the changed days taken for what is usual in both, their spread would soon
hide the change. The detector sums the products of e-values over every day on which a change may
have begun. It stays under c for c days on average, so c = streams x 30 / budget keeps `budget`
false alarms in 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from monitors.drift.e_bh import e_bh

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
HISTORY = 14  # days that a stream must have before it is judged
SHIFTS = (1.0, 2.0, 4.0)  # standard deviations of a day
CAUTION = 0.7  # quantile over streams that stands for their common AR coefficient
LONGEST = 45  # days since its beginning that a change is looked for
TINY = 1e-300  # of a sum of squares
BUDGET = 0.5  # false alarms in 30 days, over all streams


@dataclass(frozen=True, slots=True)
class Alarm:
    """A change of stream number `stream`, noticed at the end of `block`, begun on `onset` (indices
    of blocks: days, or some hours); `earliest` to `latest` are the blocks on which it may have
    begun (90%: a tenth of the best likelihood). `e_value` is the detector's sum; its inverse bounds
    the chance of it on that block's run. `before`, `after` are means of blocks, `low`, `high` the
    95% interval of their difference."""

    stream: int
    block: int
    onset: int
    earliest: int
    latest: int
    e_value: float
    before: float
    after: float
    low: float
    high: float
    blocks_before: int
    blocks_after: int


def threshold(streams: int, budget: float = BUDGET, blocks: int = 1) -> float:
    """The c that keeps `budget` false alarms in 30 days over so many streams that have so many
    blocks a day."""
    return max(1, streams) * 30 * blocks / budget


def _log_t(z: Floats, df: Floats, scale: Floats) -> Floats:
    """Log density of Student's t but for what does not depend on z."""
    return np.asarray(-(df + 1) / 2 * np.log1p((z / scale) ** 2 / df) - np.log(scale))


@dataclass(slots=True)
class _Past:
    """Of each stream the mean by kind of day, the surprises, and what they tell of tomorrow."""

    mean: Floats  # (streams, 2)
    count: Floats  # (streams, 2)
    surprise: Floats  # (streams, days), 0 where there is no day
    left: Floats  # (streams, days - 1), of a surprise behind the day before, 0 where one lacks
    both: Floats  # (streams, days - 1), 1 where neither lacks
    phi: Floats
    sigma: Floats
    df: Floats
    days: Floats


def _memory(surprise: Floats, there: Floats) -> Floats:
    """The AR(1) coefficient of each stream from the ranks of its day-to-day differences: their
    lag-one correlation is (phi - 1) / 2, and a lasting shift touches only one of them, where it
    would look like a long memory to the correlation of the days themselves. NaN where nothing
    varies, or too few days follow each other."""
    change, here = np.diff(surprise, axis=1), there > 0
    three = here[:, 2:] & here[:, 1:-1] & here[:, :-2]
    found = np.full(len(surprise), np.nan)
    patterns, which = np.unique(three, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.sum() > 3:
            rows = np.ix_(which.ravel() == number, pattern)
            found[which.ravel() == number] = 1 + 2 * _rank_correlation(
                change[:, 1:][rows], change[:, :-1][rows]
            )
    return found


def _rank_correlation(a: Floats, b: Floats) -> Floats:
    """Spearman's, by row, as the correlation of normal variables with these ranks."""
    a, b = rankdata(a, axis=1), rankdata(b, axis=1)
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    power = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * np.sin(np.pi / 6 * (a * b).sum(1) / power))


def _past(y: Floats, there: Floats, weekend: Integers, group: Integers, history: int) -> _Past:
    kinds = np.stack([weekend == 0, weekend == 1]).astype(float)  # (2, days)
    count = there @ kinds.T
    total = (y * there) @ kinds.T
    days = there.sum(1)
    pooled = (total.sum(1) / np.maximum(days, 1))[:, None]
    mean = np.where(count > 0, total / np.maximum(count, 1), pooled)
    surprise = (y - mean[:, weekend]) * there
    both = there[:, 1:] * there[:, :-1]
    judged = days >= history
    own = _memory(surprise, there)
    phi = np.zeros(len(y))
    for name in np.unique(group):
        mine = group == name
        used = own[mine & judged & np.isfinite(own)]
        phi[mine] = np.clip(np.quantile(used, CAUTION), 0, 0.9) if len(used) else 0.0
    left = (surprise[:, 1:] - phi[:, None] * surprise[:, :-1]) * both
    df = np.maximum(both.sum(1) - 3, 1)
    sigma = np.sqrt((left**2).sum(1) / df)
    return _Past(mean, count, surprise, left, both, phi, sigma, df, days)


class Days:
    """The detectors of streams of days. `y` (streams, days) are means of days, NaN where there is
    none; `weekend` (days,) 0 or 1; streams with the same `group` share the AR coefficient; a change
    of up to `margin` (streams,) is none; a stream is judged behind `history` days."""

    def __init__(
        self, y: Floats, weekend: Integers, group: Integers, margin: Floats, history: int = HISTORY
    ) -> None:
        self._history = history
        self._there = np.isfinite(y).astype(float)
        self._y = np.where(self._there > 0, y, 0.0)
        self._weekend, self._group, self._margin = weekend, group, margin
        self._shifts = np.array([k * sign for k in SHIFTS for sign in (1.0, -1.0)])
        # Of each stream and day on which a change may have begun: the logarithm of its product
        # (-inf where there is none), and the standard deviation that was known then.
        self._logs = np.full((*y.shape, len(self._shifts)), -np.inf)
        self._sigma = np.ones(y.shape)

    @property
    def sums(self) -> Floats:
        """Each stream's detector now (streams,)."""
        return np.asarray(np.exp(self._logs).mean(2).sum(1))

    def products(self, onset: int) -> Floats:
        """Of changes that began on a day, the e-values since, multiplied (streams, shifts)."""
        return np.asarray(np.exp(self._logs[:, onset]))

    def step(self, day: int) -> None:
        """Judge a day; days come in order. The first are only learned from."""
        if day < self._history:
            return
        there = self._there
        past = _past(
            self._y[:, :day], there[:, :day], self._weekend[:day], self._group, self._history
        )
        kind = self._weekend[day]
        seen = np.maximum(past.count[:, kind], 1)
        off = self._y[:, day] - past.mean[:, kind] - past.phi * past.surprise[:, -1]
        # The mean's own error, under the AR term: (1 - phi)^2 (1 + phi) / (1 - phi) / n.
        wide = np.sqrt(1 + (1 - past.phi**2) / seen)
        ready = (past.days >= self._history) & (there[:, day] > 0) & (past.sigma > 0)
        self._sigma[:, day] = past.sigma
        self._logs[ready, day] = 0.0
        for onset in range(max(self._history, day - LONGEST), day + 1):
            gain = self._gain(past, day, onset, off, wide)
            self._logs[:, onset] += np.where(ready[:, None], gain, 0.0)

    def _gain(self, past: _Past, day: int, onset: int, off: Floats, wide: Floats) -> Floats:
        """Logarithms of the day's e-values (streams, shifts), for changes that began on `onset`.

        Less a change d since then, what is `left` of a surprise is smaller by d times `moved`, and
        so is today's by d times `now`: all that a prediction needs is a polynomial of d."""
        there, weekend = self._there[:, :day], self._weekend[:day]
        later = there * (np.arange(day) >= onset)
        kinds = np.stack([weekend == 0, weekend == 1]).astype(float)
        pooled = later.sum(1) / np.maximum(past.days, 1)
        part = np.where(
            past.count > 0, later @ kinds.T / np.maximum(past.count, 1), pooled[:, None]
        )
        changed = later - part[:, weekend] * there
        moved = (changed[:, 1:] - past.phi[:, None] * changed[:, :-1]) * past.both
        now = 1 - part[:, self._weekend[day]] - past.phi * changed[:, -1]
        squares, mixed = past.sigma**2 * past.df, (past.left * moved).sum(1)
        own = (moved**2).sum(1)

        def log_density(d: Floats) -> Floats:
            left = squares[:, None] - 2 * d * mixed[:, None] + d**2 * own[:, None]
            scale = np.sqrt(np.maximum(left, TINY) / past.df[:, None]) * wide[:, None]
            return _log_t(off[:, None] - d * now[:, None], past.df[:, None], scale)

        least = np.sign(self._shifts) * self._margin[:, None]
        return log_density(least + self._shifts * self._sigma[:, onset, None]) - log_density(least)

    def ring(self, stream: int, day: int) -> Alarm:
        """Say what changed; the stream begins anew on the day of its onset."""
        e_value = float(self.sums[stream])
        found = _alarm(stream, day, self._y, self._there, self._logs, e_value)
        self._logs[stream] = -np.inf
        self._there[stream, : found.onset] = 0.0
        return found


def detect(y: Floats, weekend: Integers, group: Integers, margin: Floats, c: float) -> list[Alarm]:
    """Every alarm of streams of days at threshold c, by day."""
    days, alarms = Days(y, weekend, group, margin), []
    for day in range(y.shape[1]):
        days.step(day)
        alarms += [days.ring(int(stream), day) for stream in e_bh(days.sums / c)]
    return alarms


def _alarm(stream: int, day: int, y: Floats, there: Floats, logs: Floats, e_value: float) -> Alarm:
    by_day = logs[stream, : day + 1].max(1)
    known = np.flatnonzero(there[stream, : day + 1] > 0)
    by_day[: known[2]] = -np.inf  # a change has days before it
    onset = int(np.argmax(by_day))
    likely = np.flatnonzero(by_day >= by_day[onset] - np.log(10))
    index = np.arange(y.shape[1])
    old = y[stream, (there[stream] > 0) & (index < onset)]
    new = y[stream, (there[stream] > 0) & (index >= onset) & (index <= day)]
    before, after = float(old.mean()), float(new.mean())
    half = float(t.ppf(0.975, len(old) - 1)) * float(old.std(ddof=1))
    half *= (1 / len(old) + 1 / len(new)) ** 0.5
    return Alarm(stream, day, onset, int(likely[0]), int(likely[-1]), e_value, before, after,
                 after - before - half, after - before + half, len(old), len(new))  # fmt: skip
