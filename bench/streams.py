"""False alarm episodes and delays of the daily streams: `python -m bench.streams`.

One replicate is 30 days of 20 signals x 20 segments behind a history; budget 0.5 episodes. Kinds:
independent hours; sessions of five spans; an hour-of-week cycle; day effects that are AR(1), 0.5.
Beside it, in the same run: a t-test of each day against the days before it, at the level that the
same budget gives each test (0.5 / (400 x 30)), which is what a monitor without baselines does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monitors.drift.e_detector import BUDGET, detect, threshold

Floats = NDArray[np.float64]
SIGNALS, SEGMENTS, DAYS = 20, 20, 30
STREAMS = SIGNALS * SEGMENTS
PER_HOUR = 20  # sessions of a segment
KINDS = ("iid", "sessions", "cycle", "ar1")


def quiet(kind: str, days: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Daily means (streams, days), and their standard errors as spans alone would give them."""
    hours = random.normal(0, 0.3 / np.sqrt(PER_HOUR), (STREAMS, days, 24))
    if kind == "sessions":  # five spans a session share an effect: a quarter as many sessions
        hours += random.normal(0, 0.15 / np.sqrt(PER_HOUR / 5), hours.shape)
    if kind == "cycle":
        hour, weekend = np.arange(24), (np.arange(days) % 7 >= 5)[None, :, None]
        hours += 0.05 * np.sin(2 * np.pi * hour / 24)
        hours += weekend * (0.04 + 0.03 * np.cos(2 * np.pi * hour / 24))
    means = hours.mean(2)
    if kind == "ar1":
        effect = np.zeros((STREAMS, days))
        shock = random.normal(0, 0.02, effect.shape)
        effect[:, 0] = shock[:, 0] / np.sqrt(1 - 0.25)
        for day in range(1, days):
            effect[:, day] = 0.5 * effect[:, day - 1] + shock[:, day]
        means += effect
    return 0.7 + means, np.full(means.shape, 0.3 / np.sqrt(PER_HOUR * 24))


def ours(y: Floats, _error: Floats, history: int) -> list[tuple[int, int]]:
    """(stream, day of the alarm)."""
    weekend = (np.arange(y.shape[1]) % 7 >= 5).astype(np.int64)
    found = detect(y, weekend, np.zeros(len(y), np.int64), np.zeros(len(y)), threshold(STREAMS))
    return [(alarm.stream, alarm.day) for alarm in found if alarm.day >= history]


def plain(y: Floats, error: Floats, history: int) -> list[tuple[int, int]]:
    """A test of each day's spans against all earlier ones, at the level of the same budget."""
    level = BUDGET / (STREAMS * DAYS)
    found: list[tuple[int, int]] = []
    last: dict[int, int] = {}
    for day in range(history, y.shape[1]):
        z = (y[:, day] - y[:, :day].mean(1)) / (error[:, day] * np.sqrt(1 + 1 / day))
        for stream in np.flatnonzero(2 * stats.norm.sf(np.abs(z)) <= level):
            if last.get(int(stream), -9) < day - 1:  # days in a row are one episode
                found.append((int(stream), day))
            last[int(stream)] = day
    return found


Method = Callable[[Floats, Floats, int], list[tuple[int, int]]]
METHODS: dict[str, Method] = {"e-detector": ours, "t-test each day": plain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", type=int, default=40, help="streams that change")
    arguments = parser.parse_args()
    started = time.monotonic()
    print(f"{arguments.runs} runs of {DAYS} days x {STREAMS} streams, budget {BUDGET} episodes")
    print("| history | kind | method | episodes (95%) | drop | found | median days |")
    print("|---|---|---|---|---|---|---|")
    for history in (14, 28):
        for kind in KINDS:
            for name, method in METHODS.items():
                _row(history, kind, name, method, arguments)
    print(f"{time.monotonic() - started:.0f} s")


def _row(history: int, kind: str, name: str, method: Method, arguments: argparse.Namespace) -> None:
    random = np.random.default_rng([arguments.seed, history, KINDS.index(kind)])
    counts = [
        len(method(*quiet(kind, history + DAYS, random), history)) for _ in range(arguments.runs)
    ]
    half = 1.96 * np.std(counts, ddof=1) / np.sqrt(len(counts))
    mean = float(np.mean(counts))
    shown = f"{mean:.2f} ({max(0.0, mean - half):.2f} to {mean + half:.2f})"
    for drop in (0.02, 0.05, 0.10):
        delays, most = [], 0
        for _ in range(max(1, arguments.runs // 20)):
            y, error = quiet(kind, history + DAYS, random)
            y[: arguments.changed, history + 5 :] -= drop
            first: dict[int, int] = {}
            for stream, day in method(y, error, history):
                if stream < arguments.changed and day >= history + 5:
                    first.setdefault(stream, day - history - 4)
            delays += list(first.values())
            most += arguments.changed
        median = f"{np.median(delays):.0f}" if delays else "-"
        cells = [history, kind, name, shown, drop, f"{len(delays) / most:.2f}", median]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        shown = ""


if __name__ == "__main__":
    main()
