"""Streams of blocks of hours, matched by hour of the week, so that a large change is found within
hours (e-detectors, arXiv 2203.03532).

A block (1 or 4 hours) is predicted by the mean of past blocks of the same hour of the week, or,
until there are four of them, of the same hour of working days or of weekends. Days differ of
themselves, and then all of a day's blocks do: a level that forgets half of itself in a day is
followed by a Kalman filter, its variance being what means of days vary more than their blocks tell.
How far predictions were off in blocks of the same hour of the day, at least 14 of them, is the
variance of the null, as a Student t: so the differences between comparable windows enter it. With
normal independent blocks and no level these prediction errors are nearly the recursive residuals of
Brown, Durbin and Evans (1975), independent of each other, and an e-value's expectation is 1;
otherwise it is measured (docs/benchmarks.md).
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from monitors.drift.e_detector import CAUTION, HISTORY, Alarm, _log_t
from monitors.windows import Floats, Integers

SHIFTS = (2.0, 4.0, 8.0, 16.0)  # standard deviations of a block: small changes are for the days
WEEKS = 4  # blocks of the same hour of the week that are enough for a mean of their own
FEW = 2  # of the same hour of working days, or of weekends
SETTLED = 2  # days that are not yet used to say how much days differ: they may have changed
MOST = 28  # days that are


class Hours:
    """The detectors of streams of blocks. `y` (streams, blocks) are means, NaN where there is none;
    block 0 begins a day; `weekday` (days,) is 0 to 6, Monday 0; `margin` (streams,) as for days."""

    def __init__(self, y: Floats, weekday: Integers, blocks: int, margin: Floats) -> None:
        self.blocks = blocks  # a day
        self._y, self._margin, self._weekday = y, margin, weekday
        n = len(y)
        # By block of the day and kind: 0 to 6 days of the week, 7 working days, 8 weekends.
        self._count, self._total = np.zeros((n, blocks, 9)), np.zeros((n, blocks, 9))
        self._squares, self._df = np.zeros((n, blocks)), np.zeros((n, blocks))
        self._surprise = np.full(y.shape, np.nan)
        self._expected = np.full(y.shape, np.nan)
        # The level of the day and its variance, and how much levels vary, in a block's variance.
        self._level, self._unsure, self._vary = np.zeros(n), np.zeros(n), np.zeros(n)
        self._keep = 0.5 ** (1 / blocks)
        self._shifts = np.array([k * sign for k in SHIFTS for sign in (1.0, -1.0)])
        self._sums = np.zeros((n, len(self._shifts)))
        self._logs = np.zeros((*y.shape, len(self._shifts)), dtype=np.float32)

    @property
    def sums(self) -> Floats:
        """Each stream's detector now (streams,)."""
        return np.asarray(self._sums.mean(1))

    def _mean(self, at: int) -> tuple[Floats, Floats]:
        """(mean of comparable blocks, their number; NaN and 0 where there are too few)."""
        day, block = divmod(at, self.blocks)
        own = int(self._weekday[day])
        wide = 8 if own >= 5 else 7
        count, total = self._count[:, block], self._total[:, block]
        exact = count[:, own] >= WEEKS
        n = np.where(exact, count[:, own], count[:, wide])
        known = n >= FEW
        mean = np.where(exact, total[:, own], total[:, wide]) / np.maximum(n, 1)
        return np.where(known, mean, np.nan), np.where(known, n, 0.0)

    def _learn(self, rows: Integers, at: int) -> None:
        day, block = divmod(at, self.blocks)
        own = int(self._weekday[day])
        here = rows[np.isfinite(self._y[rows, at])]
        for kind in (own, 8 if own >= 5 else 7):
            self._count[here, block, kind] += 1
            self._total[here, block, kind] += self._y[here, at]

    def _compare_days(self, at: int) -> None:
        """How much the levels of days vary: by a stream's own days, but no less than what the
        CAUTION quantile of all streams says."""
        first = max(0, at - (MOST + SETTLED) * self.blocks)
        found = self._surprise[:, first : at - SETTLED * self.blocks]
        found = found.reshape(len(found), -1, self.blocks)
        there = np.isfinite(found)
        n, found = there.sum(2), np.where(there, found, 0.0)
        mean = found.sum(2) / np.maximum(n, 1)
        used = n > self.blocks / 2
        days = used.sum(1)
        inside = np.where(there & used[:, :, None], found - mean[:, :, None], 0.0)
        noise = (inside**2).sum((1, 2)) / np.maximum(((n - 1) * used).sum(1), 1)
        middle = (mean * used).sum(1) / np.maximum(days, 1)
        between = (((mean - middle[:, None]) * used) ** 2).sum(1) / np.maximum(days - 1, 1)
        size = (n * used).sum(1) / np.maximum(days, 1)
        known = (days >= HISTORY // 2) & (noise > 0)
        if known.any():
            own = np.zeros(len(n))
            own[known] = np.maximum(between[known] / noise[known] - 1 / size[known], 0)
            self._vary = np.maximum(own, np.quantile(own[known], CAUTION))

    def step(self, at: int) -> None:
        """Judge a block; blocks come in order."""
        block = at % self.blocks
        if block == 0 and at >= HISTORY * self.blocks:
            self._compare_days(at)
        mean, n = self._mean(at)
        surprise = self._y[:, at] - mean
        self._level *= self._keep
        self._unsure = self._keep**2 * self._unsure + (1 - self._keep**2) * self._vary
        wide = np.sqrt(1 + self._unsure + (1 + self._vary) / np.maximum(n, 1))
        error = (surprise - self._level) / wide
        known = np.isfinite(error)
        df = self._df[:, block]
        sigma = np.sqrt(self._squares[:, block] / np.maximum(df, 1))
        windows = self._count[:, block, 7] + self._count[:, block, 8]
        ready = known & (windows >= HISTORY) & (sigma > 0)
        if ready.any():
            shifts, safe = self._shifts, np.where(ready, sigma, 1.0)[:, None]
            off = np.where(ready, error, 0.0)[:, None] - np.sign(shifts) * self._margin[:, None]
            free = np.maximum(df, 1)[:, None]
            gain = _log_t(off - shifts * safe, free, safe) - _log_t(off, free, safe)
            self._logs[:, at] = np.where(ready[:, None], gain, 0.0)
            grown = (1 + self._sums) * np.exp(gain)
            self._sums = np.where(ready[:, None], grown, self._sums)
        self._squares[known, block] += error[known] ** 2
        self._df[known, block] += 1
        weight = np.where(known, self._unsure / (self._unsure + 1), 0.0)
        self._level += weight * np.where(known, error * wide, 0.0)
        self._unsure *= 1 - weight
        self._surprise[:, at], self._expected[:, at] = surprise, mean
        self._learn(np.arange(len(mean)), at)

    def ring(self, stream: int, at: int) -> Alarm:
        """Say what changed; the stream begins anew on the block of its onset."""
        by_block = np.cumsum(self._logs[stream, : at + 1][::-1], axis=0)[::-1].max(1)
        judged = (self._logs[stream, : at + 1] != 0).any(axis=1)
        by_block = np.where(judged, by_block, -np.inf)
        onset = int(np.argmax(by_block))
        likely = np.flatnonzero(by_block >= by_block[onset] - np.log(10))
        here = np.arange(onset, at + 1)
        here = here[np.isfinite(self._surprise[stream, here])]
        before = float(self._expected[stream, here].mean())
        after = float(self._y[stream, here].mean())
        old = self._surprise[stream, :onset]
        old = old[np.isfinite(old)]
        # Blocks of a day share its level, however many there are.
        share = float(self._vary[stream] / (1 + self._vary[stream]))
        wide = float(old.std(ddof=1)) * np.sqrt(share + (1 - share) / len(here))
        half = float(student.ppf(0.975, max(len(old) - 1, 1))) * wide
        found = Alarm(
            stream, at, onset, int(likely[0]), int(likely[-1]), float(self._sums[stream].mean()),
            before, after, after - before - half, after - before + half, len(old), len(here),
        )  # fmt: skip
        self._sums[stream], self._logs[stream] = 0.0, 0.0
        self._count[stream], self._total[stream] = 0.0, 0.0
        self._squares[stream], self._df[stream] = 0.0, 0.0
        self._surprise[stream, : at + 1], self._level[stream] = np.nan, 0.0
        for each in range(onset, at + 1):
            self._learn(np.array([stream]), each)
        return found
