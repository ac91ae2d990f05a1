"""`python -m bench.drift_peers --peers PYTHON`: Evidently and alibi-detect beside Assay.

PYTHON is that of an environment with evidently, alibi-detect and torch, which are run at their
defaults. One stream of 20 calls an hour; the last of 29 days (or of 8) is judged. Quiet kinds:
`iid`; `sessions` of five calls with an effect of their own; `cycle` of hours and weekends; `ar1`
day effects (coefficient .5). Sizes are in standard deviations of a call: .5 a session, .17 an hour,
.13 and .1 a weekend, .077 a day. Then the last day changes, in half of the windows down and in half
up: a score in [0, 1] by points, latency and cost (log-normal) by a factor of 1.2. A distance to a
reference in which weekends are higher leans to one side: it finds the falls of a working day and
not the rises, so that one direction alone says nothing. Methods with all 28 days before it:
`streams` as monitors run them, the same at a margin of 0 (the peers test against 0), Evidently,
alibi-detect's KSDrift. With the same weekday a week before: `assay drift` (Mann-Whitney and KS,
sessions whole), and both peers. "Bound": how far the day's mean is from what quiet days have on
average, which nobody knows in practice; and the same where mean and spread are those of the 28 days
before (a t statistic, working days and weekends apart): a threshold that is set on quiet windows
knows the spread of days, which the peers here need not estimate. "flagged when quiet" is at the
defaults; power is at a threshold of each method, kind and signal that flags 5% of its quiet
windows. The second table is the difference to the best peer of each cell; its interval is a
bootstrap of windows, quiet and changed ones, the same for both. With `--data` windows of texts as
in bench.drift: `assay drift` (energy; sessions whole) beside the peers. Intervals: Wilson, 95%;
units are windows. No two of them share a call; texts are drawn anew from the same ones for each
window.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.drift import ROWS, SESSION, _drawn
from evaluators.embedding import Embedder
from monitors.drift.compare import Window, compare
from monitors.drift.e_bh import e_bh
from monitors.drift.e_detector import BUDGET, Days
from monitors.drift.hours import Hours
from monitors.drift.together import thresholds
from monitors.drift.two_sample import pair
from monitors.windows import Floats
from schemas.estimates.shares import wilson
from schemas.registry import load

KINDS = ("iid", "sessions", "cycle", "ar1")
SHIFTS = {"score": (0.02, 0.05, 0.1), "latency": (1.2,), "cost": (1.2,)}
SPREAD = {"latency": 0.35, "cost": 0.43}  # of the logarithm to base 10
DAYS, PER_HOUR = 29, 20
DAY = 24 * PER_HOUR
LEVEL = 0.05
LENGTHS = (1, 4, 24)
MARGIN = {"score": 0.02, "latency": float(np.log10(1.05)), "cost": float(np.log10(1.05))}
OURS, FREE = "28 days: Assay, streams", "28 days: the same, margin 0"
BOUND, ESTIMATED = "bound: the quiet mean is known", "bound: mean and spread of 28 days"
DRIFT = "a week before: `assay drift`"
RESAMPLED = 1000
Answers = dict[str, Floats]  # method -> (windows, 2): score, flagged


@dataclass(frozen=True, slots=True)
class Streams:
    """Of each window every call (windows, days * DAY) as it is, in order."""

    values: Floats

    @property
    def last(self) -> Floats:
        return self.values[:, -DAY:]

    def before(self, days: int) -> Floats:
        return self.values[:, -DAY * (days + 1) : -DAY] if days > 1 else self._week()

    def _week(self) -> Floats:
        return self.values[:, -8 * DAY : -7 * DAY]


def made(kind: str, signal: str, shift: float, windows: int, draw: np.random.Generator) -> Streams:
    """Calls of DAYS days, of which the last is shifted (0 or 1: it is not)."""
    effect: Floats = np.zeros((windows, DAYS, 24, PER_HOUR))
    if kind == "sessions":
        shape = (windows, DAYS, 24, PER_HOUR // SESSION)
        effect += np.repeat(draw.normal(0, 0.5, shape), SESSION, axis=3)
    if kind == "cycle":
        hour, weekend = np.arange(24), (np.arange(DAYS) % 7 >= 5)[:, None]
        wave = 0.17 * np.sin(2 * np.pi * hour / 24)
        wave = wave + weekend * (0.13 + 0.1 * np.cos(2 * np.pi * hour / 24))
        effect += wave[None, :, :, None]
    if kind == "ar1":
        shock = draw.normal(0, 0.077 * np.sqrt(0.75), (windows, DAYS))
        level = np.zeros_like(shock)
        level[:, 0] = shock[:, 0] / np.sqrt(0.75)
        for day in range(1, DAYS):
            level[:, day] = 0.5 * level[:, day - 1] + shock[:, day]
        effect += level[:, :, None, None]
    effect = effect.reshape(windows, -1)
    now = np.arange(effect.shape[1]) >= effect.shape[1] - DAY
    if signal == "score":
        mean = np.clip(0.7 + 0.3 * effect + shift * now, 0.02, 0.98)
        size = 1.33  # a + b of the beta distribution with a spread of .3 around .7
        return Streams(draw.beta(mean * size, (1 - mean) * size))
    effect = effect + draw.normal(0, 1, effect.shape)
    return Streams(10 ** (SPREAD[signal] * effect + np.log10(shift or 1) * now))


def streams(given: Streams, signal: str, least: float) -> Floats:
    """As monitors watch one stream by hour, four hours and day at their default budget: the
    greatest multiple of its threshold that changes which began on the last day reach then (peers
    are told as well which day is judged), and whether it rang then, whenever that began. A change
    of `least` is none."""
    y = given.values if signal == "score" else np.log10(given.values)
    y = y.reshape(len(y), DAYS, 24, PER_HOUR).mean(3)
    weekday = np.arange(DAYS, dtype=np.int64) % 7
    margin = np.full(len(y), least)
    runs: list[tuple[int, Any, float]] = []
    for hours, c in thresholds(dict.fromkeys(LENGTHS, 1), BUDGET).items():
        if hours == 24:
            # Streams of a project share their memory, as these do.
            group = np.zeros(len(y), np.int64)
            days = Days(y.mean(2), (weekday >= 5).astype(np.int64), group, margin)
            runs.append((hours, days, c))
        else:
            blocks = y.reshape(len(y), DAYS * 24 // hours, hours).mean(2)
            runs.append((hours, Hours(blocks, weekday, 24 // hours, margin), c))
    found, late = np.zeros((len(y), 2)), []
    for hour in range(1, DAYS * 24 + 1):
        for hours, run, _ in runs:
            if hour % hours == 0:
                run.step(hour // hours - 1)
        multiples = np.stack([run.sums / c for _, run, c in runs], axis=1)
        today = hour > (DAYS - 1) * 24
        if hour == (DAYS - 1) * 24:
            late = [(hours, _anew(run), c) for hours, run, c in runs]
        for hours, run, c in late if today else ():
            if hour % hours == 0:
                run.step(hour // hours - 1)
                found[:, 0] = np.maximum(found[:, 0], run.sums / c)
        for stream in np.flatnonzero(multiples.max(1) >= 1 / len(runs)):
            for number in e_bh(multiples[stream]):
                hours, run, _ = runs[int(number)]
                run.ring(int(stream), hour // hours - 1)
                found[stream, 1] = max(found[stream, 1], float(today))
    return found


def _anew(run: Any) -> Any:
    """A copy for which no change began until now."""
    made = copy.deepcopy(run)
    if isinstance(made, Days):
        made._logs[:] = -np.inf
    else:
        made._sums[:] = 0.0
    return made


def compared(given: Streams, kind: str) -> Floats:
    """`assay drift` of the last day against that of a week before."""
    tests = load("two_sample", "monitors.drift")
    number = np.arange(DAY) // SESSION if kind == "sessions" else None
    rows = []
    for old, new in zip(given.before(1), given.last, strict=True):
        both = (Window(old.tolist(), number), Window(new.tolist(), number))
        found = compare(*both, tests, "number")
        least = min(f.p_value for f in found)
        # Permutation p-values have few small values: ties are broken by the distance.
        size = max(abs(f.statistic - 0.5 * (f.detector == "mann_whitney")) for f in found)
        rows.append([-least + 1e-6 * size, float(any(f.verdict == "changed" for f in found))])
    return np.array(rows)


def asked(python: str, folder: Path) -> None:
    """Let the peers answer for every file of the folder."""
    script = Path(__file__).parent / "elsewhere" / "drift_peers.py"
    done = subprocess.run([python, str(script), str(folder)], capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the peers failed: {done.stderr[-1500:]}")


def answers(path: Path) -> Answers:
    return {k: np.array(v, dtype=np.float64) for k, v in json.loads(path.read_text()).items()}


def power(quiet: Floats, shifted: Floats) -> float:
    """The share of shifted scores beyond the level that LEVEL of the quiet ones pass."""
    bar = np.sort(quiet)[-int(LEVEL * len(quiet)) - 1]
    return float((shifted > bar).mean())


def _cell(share: float, n: int) -> str:
    low, high = wilson(share, n)
    return f"{share:.2f} ({low:.2f} to {high:.2f})"


def numbers(
    kind: str, runs: int, changed: int, python: str, draw: np.random.Generator
) -> list[str]:
    """Print the rows of one kind of traffic; rows of the second table."""
    results: dict[tuple[str, float], Answers] = {}
    known: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for signal, shifts in SHIFTS.items():
            for shift in (0.0, *(sign * size for size in shifts for sign in (-1, 1))):
                moved = shift if signal == "score" else abs(shift) ** np.sign(shift)
                given = made(kind, signal, moved, changed if shift else runs, draw)
                y = given.values if signal == "score" else np.log10(given.values)
                y = y.reshape(len(y), DAYS, -1).mean(2)
                off = abs(y[:, -1] - known.setdefault(signal, float(y[:, -1].mean())))
                mine = results[signal, shift] = {
                    BOUND: np.stack([off, np.zeros_like(off)], 1),
                    ESTIMATED: np.stack([_against(y), np.zeros_like(off)], 1),
                    OURS: streams(given, signal, MARGIN[signal]), FREE: streams(given, signal, 0.0),
                }  # fmt: skip
                if not python:
                    continue
                mine[DRIFT] = compared(given, kind)
                for label, days in (("28 days", 28), ("a week before", 1)):
                    path = folder / f"{signal} {shift} {label}.npz"
                    np.savez(path, reference=given.before(days), current=given.last)
        if python:
            asked(python, folder)
        for (signal, shift), mine in results.items() if python else ():
            for label in ("28 days", "a week before"):
                found = answers(folder / f"{signal} {shift} {label}.json")
                mine |= {f"{label}: {method}": rows for method, rows in found.items()}
    for method in sorted(results["score", 0.0]):
        cells = [kind, method]
        for signal in SHIFTS:
            share = float(results[signal, 0.0][method][:, 1].mean())
            cells.append("" if method.startswith("bound") else _cell(share, runs))
        for signal, shifts in SHIFTS.items():
            quiet = results[signal, 0.0][method][:, 0]
            for shift in shifts:
                down, up = (results[signal, s][method][:, 0] for s in (-shift, shift))
                mean = power(quiet, np.concatenate([down, up]))
                cells.append(f"{mean:.2f} ({power(quiet, down):.2f}, {power(quiet, up):.2f})")
        print("| " + " | ".join(cells) + " |", flush=True)
    return [_beside(kind, mine, results, draw) for mine in (OURS, FREE, DRIFT)] if python else []


def _against(y: Floats) -> Floats:
    """Of means of days (windows, DAYS) how far the last is from those of its kind, in deviations
    of days within kinds."""
    weekend = np.arange(DAYS - 1) % 7 >= 5
    usual = np.stack([y[:, :-1][:, weekend == k].mean(1) for k in (False, True)], 1)
    left = y[:, :-1] - usual[:, weekend.astype(int)]
    return np.asarray(abs(y[:, -1] - usual[:, 0]) / np.sqrt((left**2).sum(1)))


def _beside(
    kind: str, mine: str, results: dict[tuple[str, float], Answers], draw: np.random.Generator
) -> str:
    """Of each shift the power less that of the best peer with the same reference, its interval."""
    label = mine.split(":")[0]
    peers = [m for m in results["score", 0.0] if m.startswith(label) and "(" in m]
    cells = [kind, mine]
    for signal, shifts in SHIFTS.items():
        for shift in shifts:
            both = {
                m: (results[signal, 0.0][m][:, 0],
                    np.concatenate([results[signal, s][m][:, 0] for s in (-shift, shift)]))
                for m in (mine, *peers)
            }  # fmt: skip
            best = max(peers, key=lambda m: power(*both[m]))
            n, k = map(len, both[mine])
            gaps = []
            for _ in range(RESAMPLED):
                a, b = draw.integers(0, n, n), draw.integers(0, k, k)
                ours, theirs = (power(both[m][0][a], both[m][1][b]) for m in (mine, best))
                gaps.append(ours - theirs)
            low, high = np.quantile(gaps, [0.025, 0.975])
            gap = power(*both[mine]) - power(*both[best])
            cells.append(f"{gap:+.2f} ({low:+.2f} to {high:+.2f})")
    return "| " + " | ".join(cells) + " |"


def topics(
    data: Path, label: str, runs: int, most: int, text_test: bool, python: str, seed: int
) -> None:
    """Print a table of one set of labelled texts."""
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    draw = np.random.default_rng(seed)
    rows = [rows[n] for n in draw.permutation(len(rows))[:most]]
    texts, labels = [r["text"] for r in rows], np.array([r[label] for r in rows])
    vectors = Embedder(cache_size=len(texts)).embed(texts).astype(np.float64)
    energy = load("two_sample", "monitors.drift")["energy"]
    kinds = {"quiet": (0.0, False), "quiet, sessions": (0.0, True), "10%": (0.1, False),
             "20%": (0.2, False)}  # fmt: skip
    found: dict[str, Answers] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, (share, sessions) in kinds.items():
            drawn = [_drawn(draw, labels, share, sessions) for _ in range(runs)]
            number = np.repeat(np.arange(ROWS // SESSION), SESSION)
            mine = []
            for run, (old, new) in enumerate(drawn):
                each = pair(vectors[old], vectors[new], (number, number) if sessions else None)
                said = energy(each, run, 199)
                mine.append([-said.p_value + 1e-3 * said.statistic, said.p_value <= LEVEL])
            found[kind] = {"`assay drift` (energy)": np.array(mine, dtype=np.float64)}
            old, new = (np.array([d[side] for d in drawn]) for side in (0, 1))
            saved: dict[str, Any] = {"vectors": vectors, "old": old, "new": new}
            if text_test:
                saved["texts"] = np.array(texts)
            np.savez(folder / f"{kind}.npz", **saved)
        asked(python, folder)
        for kind, methods in found.items():
            methods |= answers(folder / f"{kind}.json")
    print(f"\n{data.name}, {len(texts)} texts: {runs} windows a cell\n\n| method | quiet | quiet,"
          f" sessions of {SESSION} | power, 10% of one label | 20% |\n"
          "|---|---|---|---|---|")  # fmt: skip
    for method in found["quiet"]:
        cells = [method]
        for kind in list(kinds)[:2]:
            share = float(found[kind][method][:, 1].mean())
            cells.append(_cell(share, runs))
        for kind in list(kinds)[2:]:
            quiet, shifted = (found[k][method][:, 0] for k in ("quiet", kind))
            cells.append(_cell(power(quiet, shifted), len(shifted)))
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default="", help="Python with evidently and alibi-detect;"
                        " without it the streams alone, on the same windows")  # fmt: skip
    parser.add_argument("--runs", type=int, default=200, help="quiet windows a kind and signal")
    parser.add_argument("--changed", type=int, default=100, help="windows a shift and direction")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--data", type=Path, help="labelled texts (JSON lines), a second table")
    parser.add_argument("--label", default="domain")
    parser.add_argument("--texts", type=int, default=8000, help="of the data that are drawn from")
    parser.add_argument("--text-test", action="store_true", help="Evidently's of texts, 6 s each")
    parser.add_argument("--seed", type=int, default=1)
    asked_for = parser.parse_args()
    begun = time.monotonic()
    if asked_for.data and not asked_for.peers:
        parser.error("--data needs --peers")
    heads, beside = ".02 (fall, rise) | .05 | .10 | latency 1.2 | cost 1.2", list[str]()
    if asked_for.kinds:
        print("| kind | reference: method | quiet score flagged | latency | cost | power:"
              f" {heads} |\n" + "|---" * 10 + "|")  # fmt: skip
    for kind in asked_for.kinds:
        draw = np.random.default_rng([asked_for.seed, KINDS.index(kind)])
        beside += numbers(kind, asked_for.runs, asked_for.changed, asked_for.peers, draw)
    if beside:
        print(f"\nLess the best peer with the same reference\n\n| kind | method | {heads} |\n"
              + "|---" * 7 + "|\n" + "\n".join(beside))  # fmt: skip
    if asked_for.data:
        topics(asked_for.data, asked_for.label, asked_for.changed, asked_for.texts,
               asked_for.text_test, asked_for.peers, asked_for.seed)  # fmt: skip
    print(f"\n{asked_for.runs} quiet and {asked_for.changed} shifted windows a direction, seed"
          f" {asked_for.seed}; {time.monotonic() - begun:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
