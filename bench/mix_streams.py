"""Mixes as streams: `python -m bench.mix_streams`.

Shares of 20 topics and of 20 document sources among 200 sessions an hour (from 25% down to 1%), 30
days of both behind a history, at a budget of 0.5 episodes over these 40 streams and the margin of 2
points. Quiet kinds: sessions that are independent; sessions that come in threes about the same
thing; a cycle of hours and weekends in every share; day effects that are AR(1), 0.5, on the
logarithms of shares (sd .08). Then one value (8% before) grows by some points at 10:00 at the cost
of all others: how many of the mixes in which it did rang, and after how long. Methods as in
bench.streams.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from bench.streams import BEGINS, DAYS, METHODS, Floats, Method, Traffic
from monitors.drift.e_detector import BUDGET

KINDS = ("independent", "in threes", "cycle", "ar1")
GROWTH = (0.02, 0.05, 0.10)
VALUES, MIXES, SESSIONS, GROWS = 20, 2, 200, 3  # GROWS: which value
MARGIN = 0.02


def shares() -> Floats:
    """Of the values of a mix, the greatest first."""
    found = 1 / np.arange(2, VALUES + 2)
    found[GROWS] = 0.0
    found *= 0.92 / found.sum()
    found[GROWS] = 0.08
    return np.asarray(found)


def drawn(kind: str, days: int, begun: int, growth: float, random: np.random.Generator) -> Traffic:
    """Shares by hour (streams, days, 24); a value grows from hour `begun` on."""
    made = []
    for _ in range(MIXES):
        logs = np.broadcast_to(np.log(shares()), (days, 24, VALUES)).copy()
        if kind == "cycle":
            hour, weekend = np.arange(24)[None, :, None], (np.arange(days) % 7 >= 5)[:, None, None]
            phase = random.uniform(0, 2 * np.pi, VALUES)
            logs += 0.3 * np.sin(2 * np.pi * hour / 24 + phase)
            logs += weekend * 0.2 * np.cos(phase)
        if kind == "ar1":
            effect = np.zeros((days, VALUES))
            shock = random.normal(0, 0.08 * np.sqrt(0.75), effect.shape)
            effect[0] = shock[0] / np.sqrt(0.75)
            for day in range(1, days):
                effect[day] = 0.5 * effect[day - 1] + shock[day]
            logs += effect[:, None, :]
        p = np.exp(logs)
        p /= p.sum(2, keepdims=True)
        later = (np.arange(days * 24) >= begun).reshape(days, 24) * growth
        own = p[:, :, GROWS] + later
        p *= ((1 - own) / (1 - p[:, :, GROWS]))[:, :, None]
        p[:, :, GROWS] = own
        alike = 3 if kind == "in threes" else 1
        made.append(random.multinomial(SESSIONS // alike, p) / (SESSIONS // alike))
    hours = np.concatenate(made, axis=2).transpose(2, 0, 1)
    rate = np.tile(shares(), MIXES)
    return Traffic(hours, np.sqrt(rate * (1 - rate) / (SESSIONS * 24)))


def row(
    kind: str, name: str, method: Method, history: int, runs: int, changed: int, seed: int
) -> str:
    """A row of the table."""
    random = np.random.default_rng([seed, history, KINDS.index(kind)])
    never = (history + DAYS) * 24
    counts = []
    for _ in range(runs):
        found = method(drawn(kind, history + DAYS, never, 0, random), history, BUDGET, MARGIN)
        counts.append(len({hour for _, hour in found}))
    half = 1.96 * np.std(counts, ddof=1) / np.sqrt(runs)
    mean = float(np.mean(counts))
    cells = [f"{mean:.2f} ({max(0.0, mean - half):.2f} to {mean + half:.2f})"]
    begun = (history + 5) * 24 + BEGINS
    for growth in GROWTH:
        waits = []
        for _ in range(changed):
            traffic = drawn(kind, history + DAYS, begun, growth, random)
            first: dict[int, int] = {}
            for stream, hour in method(traffic, history, BUDGET, MARGIN):
                if hour > begun:
                    first.setdefault(stream // VALUES, hour - begun)
            waits += list(first.values())
        delay = f" ({np.median(waits):.0f} h)" if waits else ""
        cells.append(f"{len(waits) / (changed * MIXES):.2f}{delay}")
    return "| " + " | ".join([str(history), kind, name, *cells]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="quiet replicates")
    parser.add_argument("--changed", type=int, default=3, help="replicates of a growth")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--history", type=int, nargs="+", default=[28], help="days")
    asked = parser.parse_args()
    started = time.monotonic()
    print(f"{asked.runs} quiet and {asked.changed} changed runs of {DAYS} days x {MIXES} mixes of"
          f" {VALUES} values, budget {BUDGET}, margin {MARGIN}, seed {asked.seed}")  # fmt: skip
    print("| history | kind | method | episodes (95%) |"
          + "".join(f" +{growth:g} |" for growth in GROWTH))  # fmt: skip
    print("|---|---|---|---|" + "---|" * len(GROWTH))
    for history in asked.history:
        for kind in KINDS:
            for name, method in METHODS.items():
                print(
                    row(kind, name, method, history, asked.runs, asked.changed, asked.seed),
                    flush=True,
                )
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
