"""`python -m bench.stages [--runs 40] [--seed 7]`: faults injected per stage, and two at once.

Generated question-answering traffic: sessions of 1 to 9 calls that share a topic and a level of
difficulty; a logistic score that no regression here is the true model of. Errors of the judge are
simulated: verdicts flip at 8% and 15%, and relevance is a judge's noisy grade. In every case,
quiet ones too, one other stage changes without any effect on quality. Deployments (the fault or the
harmless change) reach 60% of current sessions, or all of them ("complete"), where a cause may be a
set that no row tells apart: the mean size of the sets that hold a fault is printed.
The baseline names the column whose marginal distribution moved most (total variation, numbers in
ten bins), as often as there are faults. "Drawn unequally": of the current calls all of topic c are
judged and three in ten of the others, with weights and, beside it on the same calls, without.
Intervals: Wilson, cases as units.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from monitors.rootcause.stage import SCORE, attribute
from monitors.windows import Bools, Floats
from schemas.estimates.shares import wilson

COLUMNS = {"input": ("topic", "length"), "retrieval": ("source", "top_score", "relevance"),
           "prompt": ("prompt",), "model": ("model",), "tools": ("tool_error",)}  # fmt: skip
FAULTS = (*COLUMNS, SCORE)
HARMLESS = ("input", "prompt", "model", "retrieval")
SESSIONS = (600, 300)
Case = tuple[dict[str, dict[str, Any]], Floats, Bools, Any]


def case(draw: np.random.Generator, bad: tuple[str, ...], harmless: str, reach: float,
         size: float = 1.0, days: float = 0.0) -> Case:  # fmt: skip
    """(stages, verdicts, current, session per call). `days`: sd of what days do, as log odds."""
    calls = draw.integers(1, 10, sum(SESSIONS))
    session = np.repeat(np.arange(len(calls)), calls)
    n, late = len(session), session >= SESSIONS[0]
    hit = {name: late if name in bad else np.zeros(n, bool) for name in FAULTS}

    def of(values: Any) -> Any:
        return np.asarray(values)[session]

    # Topics: c is hard; d is as easy as a, so that more of it is no fault.
    odds = np.tile([0.4, 0.3, 0.15, 0.15], (n, 1))
    odds[hit["input"]] = [0.15, 0.15, 0.15 + 0.4 * size, 0.55 - 0.4 * size]
    if harmless == "input":
        odds[late] += np.array([-0.3, 0.0, 0.0, 0.3])
    topic = (of(draw.random(len(calls)))[:, None] > odds.cumsum(1)).sum(1).clip(0, 3)
    length = np.exp(draw.normal(4, 0.5, n)) * (1 + 0.5 * (topic == 1))
    source = np.where(draw.random(n) < 0.3 + 0.3 * (topic == 1), "wiki", "manual")
    if harmless == "retrieval":
        source = np.where(late & (source == "manual") & (draw.random(n) < 0.5), "copy", source)
    broken = hit["retrieval"] & (draw.random(n) < 0.5 * size)
    true = draw.normal(0.7 - 0.15 * (topic == 2), 0.12, n) - 0.3 * broken
    top_score = true + draw.normal(0, 0.08, n)
    relevance = np.round((true + draw.normal(0, 0.15, n)) * 4) / 4  # graded by a judge
    shared = of(draw.random(len(calls)))  # one roll a session, of its own for each deployment
    other = of(draw.random(len(calls)))
    new = {"prompt": late & (shared < reach) & (hit["prompt"] | (harmless == "prompt")),
           "model": late & (other < reach) & (hit["model"] | (harmless == "model"))}  # fmt: skip
    chance = 0.04 + 0.3 * size * hit["tools"]
    error = draw.random(n) < chance
    fault = {k: new[k] & hit[k] for k in new}
    day = (np.arange(len(calls)) // 43)[session]
    z = (1.5 + 3 * (true - 0.7) - 1.2 * (topic == 2) - 0.2 * np.log(length / 55) - 1.8 * error
         + of(draw.normal(0, 0.5, len(calls))) + draw.normal(0, days, day.max() + 1)[day]
         - size * (0.9 + 0.4 * (topic == 1)) * fault["prompt"] - 1.0 * size * fault["model"]
         - 0.7 * size * hit[SCORE])  # fmt: skip
    good = draw.random(n) < 1 / (1 + np.exp(-z))
    verdict = np.where(good, draw.random(n) > 0.08, draw.random(n) < 0.15).astype(np.float64)
    data = {"topic": np.array(list("abcd"))[topic], "length": length, "source": source,
            "top_score": top_score, "relevance": relevance,
            "prompt": np.where(new["prompt"], "v2", "v1"),
            "model": np.where(new["model"], "m2", "m1"), "tool_error": error}  # fmt: skip
    return {s: {c: data[c] for c in names} for s, names in COLUMNS.items()}, verdict, late, session


def baseline(stages: dict[str, dict[str, Any]], score: Floats, late: Bools) -> list[str]:
    """Stages by how far the marginal distribution of their columns moved."""
    moved: dict[str, float] = {}
    for name, held in {**stages, SCORE: {SCORE: score}}.items():
        for values in held.values():
            if values.dtype.kind == "f":
                values = np.digitize(values, np.quantile(values, np.arange(1, 10) / 10))
            code = np.unique(values, return_inverse=True)[1]
            a, b = (np.bincount(code[s], minlength=code.max() + 1) / s.sum() for s in (~late, late))
            moved[name] = max(moved.get(name, 0.0), float(np.abs(a - b).sum() / 2))
    return sorted(moved, key=lambda k: -moved[k])


def share(hits: list[bool]) -> str:
    """A share with its 95% Wilson interval."""
    at = float(np.mean(hits))
    low, high = wilson(at, len(hits))
    return f"{at:.2f} ({low:.2f} to {high:.2f})"


def drawn(given: Case, draw: np.random.Generator) -> tuple[Case, Floats]:
    """(the calls that are judged, 1 / the probability of each)."""
    stages, score, late, session = given
    chance = np.where(late & (stages["input"]["topic"] != "c"), 0.3, 1.0)
    kept = draw.random(len(score)) < chance
    held = {s: {c: v[kept] for c, v in columns.items()} for s, columns in stages.items()}
    return (held, score[kept], late[kept], session[kept]), 1 / chance[kept]


def row(label: str, faults: Sequence[tuple[str, ...]], runs: int, seed: int, reach: float = 0.6,
        sampling: str = "", **options: float) -> None:  # fmt: skip
    """One line of the table: `runs` cases, faults by turns, and for each the harmless changes.
    `sampling`: calls are drawn unequally, and "weighted" for that or not."""
    top: list[bool] = []
    named: list[bool] = []
    wrong: list[bool] = []
    trivial: list[bool] = []
    sizes: list[int] = []
    for run in range(runs):
        bad = faults[run % len(faults)]
        others = [h for h in HARMLESS if h not in bad]
        harmless = others[run // len(faults) % len(others)]
        draw = np.random.default_rng([seed, run, *map(FAULTS.index, bad)])
        given, weight = case(draw, bad, harmless, reach, **options), None
        if sampling:
            given, weight = drawn(given, draw)
        stages, score, late, session = given
        weight = weight if sampling == "weighted" else None
        found = attribute(stages, score, late, session.tolist(), run, weight)
        least = [set(e.stages) for e in found.effects if e.change < 0][: len(bad)]
        said = [set(e.stages) for e in found.effects if e.named and e.change < 0]
        sizes += [len(s) for s in said if s & set(bad)]
        top.append(all(any(b in s for s in least) for b in bad))
        named.append(all(any(b in s for s in said) for b in bad))
        wrong.append(any(e.named and not set(bad) & set(e.stages) for e in found.effects))
        trivial.append(set(bad) <= set(baseline(stages, score, late)[: len(bad)]))
    cells = [share(top), share(named), f"{np.mean(sizes):.1f}"] if any(faults) else [""] * 3
    last = share(trivial) if any(faults) else "always names one"
    print(f"| {label} | {runs} | {' | '.join(cells)} | {share(wrong)} | {last} |", flush=True)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=40)
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args()
    begin = time.perf_counter()
    print("| fault | cases | largest falls are the faults | all faults named | size of set"
          " | another stage named | baseline |\n|---|---|---|---|---|---|---|")  # fmt: skip
    runs, seed = asked.runs, asked.seed
    single, pairs = [(f,) for f in FAULTS], list(combinations(FAULTS, 2))
    for name in FAULTS:
        row(name, [(name,)], runs, seed)
    row("any one, complete", single, 3 * runs, seed, 1.0)
    row("any one, half as large", single, 3 * runs, seed, size=0.5)
    row("any one, a quarter", single, 3 * runs, seed, size=0.25)
    for sampling in ("weighted", "not weighted"):
        row(f"any one, drawn unequally, {sampling}", single, 3 * runs, seed, sampling=sampling)
        row(f"none, drawn unequally, {sampling}", [()], 3 * runs, seed, sampling=sampling)
    row("two at once", pairs, 3 * runs, seed)
    row("two at once, complete", pairs, 3 * runs, seed, 1.0)
    row("none", [()], 5 * runs, seed)
    row("none, complete", [()], 5 * runs, seed, 1.0)
    row("none, days differ by sd 0.15", [()], 5 * runs, seed, days=0.15)
    print(f"\nseed {asked.seed}, {sum(SESSIONS)} sessions a case ({SESSIONS[1]} current),"
          f" {time.perf_counter() - begin:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
