"""False alarm episodes, power and delay of watched streams: `python -m bench.streams`.

One replicate is 30 days of 20 signals x 20 segments behind a history; budget 0.5 episodes; every
stream is looked at by the hour, by four hours and by the day, together. A look every 5 minutes sees
only finished blocks, so that the looks between two blocks' ends change nothing. Kinds: independent
hours; sessions of five spans; an hour-of-week cycle; day effects that are AR(1), 0.5. Alarms of one
moment are one episode. Beside it, in the same run: the streams by the day alone; a t-test of each
day against the days before it, at the level that the same budget gives each test (0.5 / (400 x
30)), which is what a monitor without baselines does. `--real FOLDER` adds the quiet minutes before
the incidents of the live-video data as streams.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.quiet import minutes
from monitors.drift.e_detector import BUDGET, Days
from monitors.drift.hours import Hours
from monitors.drift.together import Run, thresholds, together

Floats = NDArray[np.float64]
SIGNALS, SEGMENTS, DAYS = 20, 20, 30
STREAMS = SIGNALS * SEGMENTS
PER_HOUR = 20  # sessions of a segment
SPREAD = 0.3  # of a session's score
KINDS = ("iid", "sessions", "cycle", "ar1")
DROPS = (0.02, 0.05, 0.10, 0.30)
BEGINS = 10  # hour of the day at which streams change
Found = list[tuple[int, int]]  # (stream, hour of the alarm); alarms of one hour are one episode


@dataclass(frozen=True, slots=True)
class Traffic:
    """Means of hours (streams, days, 24), and the standard error of a day as spans give it."""

    hours: Floats
    error: float | Floats


def quiet(kind: str, days: int, random: np.random.Generator) -> Traffic:
    """Traffic in which nothing changes, of a kind."""
    error = SPREAD / np.sqrt(PER_HOUR)
    hours = random.normal(0.7, error, (STREAMS, days, 24))
    if kind == "sessions":  # five spans a session share an effect: a quarter as many sessions
        hours += random.normal(0, 0.15 / np.sqrt(PER_HOUR / 5), hours.shape)
    if kind == "cycle":
        hour, weekend = np.arange(24), (np.arange(days) % 7 >= 5)[None, :, None]
        hours += 0.05 * np.sin(2 * np.pi * hour / 24)
        hours += weekend * (0.04 + 0.03 * np.cos(2 * np.pi * hour / 24))
    if kind == "ar1":
        effect = np.zeros((STREAMS, days))
        shock = random.normal(0, 0.02, effect.shape)
        effect[:, 0] = shock[:, 0] / np.sqrt(1 - 0.25)
        for day in range(1, days):
            effect[:, day] = 0.5 * effect[:, day - 1] + shock[:, day]
        hours += effect[:, :, None]
    return Traffic(hours, error / np.sqrt(24))


def _watch(
    y: Floats, history: int, lengths: tuple[int, ...], budget: float, margin: float
) -> Found:
    streams, days = y.shape[0], y.shape[1]
    weekday = np.arange(days, dtype=np.int64) % 7
    none = np.full(streams, margin)  # what is no change
    runs = []
    shared = thresholds({each: len(y) for each in lengths}, budget)
    for hours in lengths:
        c = shared[hours]
        if hours == 24:
            group = np.zeros(streams, np.int64)
            weekend = (weekday >= 5).astype(np.int64)
            runs.append(Run(Days(y.mean(2), weekend, group, none), days, 24, c))
        else:
            blocks = y.reshape(streams, days * 24 // hours, hours).mean(2)
            found = Hours(blocks, weekday, 24 // hours, none)
            runs.append(Run(found, days * 24 // hours, hours, c))
    return [(r.alarm.stream, r.hour) for r in together(runs) if r.hour > history * 24]


def ours(traffic: Traffic, history: int, budget: float, margin: float) -> Found:
    """Hours, four hours and days at one budget."""
    return _watch(traffic.hours, history, (1, 4, 24), budget, margin)


def daily(traffic: Traffic, history: int, budget: float, margin: float) -> Found:
    """Days alone at the same budget."""
    return _watch(traffic.hours, history, (24,), budget, margin)


def plain(traffic: Traffic, history: int, budget: float, margin: float) -> Found:
    """A test of each day's spans against all earlier ones, at the level of the same budget; it
    knows no margin."""
    y, error = traffic.hours.mean(2), traffic.error
    level = budget / (len(y) * DAYS)
    found: Found = []
    last: dict[int, int] = {}
    for day in range(history, y.shape[1]):
        z = (y[:, day] - y[:, :day].mean(1)) / (error * np.sqrt(1 + 1 / day))
        for stream in np.flatnonzero(2 * stats.norm.sf(np.abs(z)) <= level):
            if last.get(int(stream), -9) < day - 1:  # days in a row are one episode
                found.append((int(stream), (day + 1) * 24))
            last[int(stream)] = day
    return found


Method = Callable[[Traffic, int, float, float], Found]
METHODS: dict[str, Method] = {"hours and days": ours, "days": daily, "t-test each day": plain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", type=int, default=40, help="streams that change")
    parser.add_argument("--margin", type=float, default=0.0, help="of a change that is none")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--history", type=int, nargs="+", default=[14, 28], help="days")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--real", type=Path, help="folder of the live-video incidents")
    arguments = parser.parse_args()
    started = time.monotonic()
    print(f"{arguments.runs} runs of {DAYS} days x {STREAMS} streams, budget {BUDGET} episodes,"
          f" margin {arguments.margin:g}, seed {arguments.seed}")  # fmt: skip
    drops = " | ".join(f"-{drop:g}" for drop in DROPS)
    print(f"| history | kind | method | episodes (95%) | {drops} |")
    print("|---|---|---|---|" + "---|" * len(DROPS))
    for history in arguments.history:
        for kind in arguments.kinds:
            for name in arguments.methods:
                _row(history, kind, name, METHODS[name], arguments)
    if arguments.real:
        minutes(arguments.real)
    print(f"{time.monotonic() - started:.0f} s")


def _row(history: int, kind: str, name: str, method: Method, arguments: argparse.Namespace) -> None:
    random = np.random.default_rng([arguments.seed, history, KINDS.index(kind)])
    counts = []
    for _ in range(arguments.runs):
        found = method(quiet(kind, history + DAYS, random), history, BUDGET, arguments.margin)
        counts.append(len(set(found)) if method is plain else len({hour for _, hour in found}))
    half = 1.96 * np.std(counts, ddof=1) / np.sqrt(len(counts))
    mean = float(np.mean(counts))
    cells = [f"{mean:.2f} ({max(0.0, mean - half):.2f} to {mean + half:.2f})"]
    begun = (history + 5) * 24 + BEGINS
    for drop in DROPS:
        traffic = quiet(kind, history + DAYS, random)
        traffic.hours.reshape(STREAMS, -1)[: arguments.changed, begun:] -= drop
        first: dict[int, int] = {}
        for stream, hour in method(traffic, history, BUDGET, arguments.margin):
            if stream < arguments.changed and hour > begun:
                first.setdefault(stream, hour - begun)
        delay = f" ({np.median(list(first.values())):.0f} h)" if first else ""
        cells.append(f"{len(first) / arguments.changed:.2f}{delay}")
    print("| " + " | ".join([str(history), kind, name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
