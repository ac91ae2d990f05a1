"""`python -m bench.stages_oracle --oracle PYTHON`: dowhy.gcm beside the stage attribution.

PYTHON is that of an environment with dowhy. Cases are those of bench.stages: one stage at fault
beside one that changes without effect, deployments in 60% of the current sessions; then two faults
at once. `dowhy.gcm.distribution_change` (mean difference, every mechanism taken as changed) has
columns with all earlier ones as causes (a deployment has none); a stage's effect is the sum of its
columns'. It samples, with boosted trees for the score; ours fits linear mechanisms and solves.
Printed by case: the largest falls of both, and the effects of the faults; then how often the
largest falls are the faults, and the correlation of effects over all cases and stages. Intervals:
Wilson.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from bench.stages import COLUMNS, FAULTS, HARMLESS, case, share
from monitors.rootcause.stage import SCORE, attribute
from monitors.windows import Floats

ORDER = [*(c for names in COLUMNS.values() for c in names), SCORE]
STAGE = {c: stage for stage, names in COLUMNS.items() for c in names} | {SCORE: SCORE}


def write(path: Path, bad: tuple[str, ...], harmless: str, seed: list[int]) -> Floats:
    """Put a case into a file for the oracle; our own effects (FAULTS,)."""
    stages, score, late, session = case(np.random.default_rng(seed), bad, harmless, 0.6)
    data = {c: values for held in stages.values() for c, values in held.items()}
    data |= {SCORE: score.astype(int), "current": late.astype(int)}
    with path.open("w", newline="") as out:
        made = csv.writer(out)
        made.writerow(data)
        made.writerows(zip(*(v.tolist() for v in data.values()), strict=True))
    effects: Floats = np.zeros(len(FAULTS))
    for effect in attribute(stages, score, late, session.tolist()).effects:
        for name in effect.stages:  # one that cannot be told apart is shared out evenly
            effects[FAULTS.index(name)] += effect.change / len(effect.stages)
    return effects


def read(path: Path) -> tuple[Floats, float]:
    """(the oracle's effects (FAULTS,), seconds)."""
    found = json.loads(path.read_text())
    effects: Floats = np.zeros(len(FAULTS))
    for column, value in found["effects"].items():
        effects[FAULTS.index(STAGE[column])] += value
    return effects, float(found["seconds"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--oracle", required=True, metavar="PYTHON")
    options.add_argument("--runs", type=int, default=2, help="of each single fault")
    options.add_argument("--pairs", type=int, default=6, help="cases of two faults at once")
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args()
    pairs = list(combinations(FAULTS, 2))
    cases = [(f,) for f in FAULTS for _ in range(asked.runs)]
    cases += [pairs[n * len(pairs) // max(asked.pairs, 1)] for n in range(asked.pairs)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "columns.json").write_text(json.dumps(ORDER))
        begin, ours, paths = time.perf_counter(), [], []
        for n, bad in enumerate(cases):
            others = [h for h in HARMLESS if h not in bad]
            path = folder / f"{n:03d}.csv"
            ours.append(write(path, bad, others[n % len(others)], [asked.seed, n, 1000]))
            paths.append(path)
        mine = (time.perf_counter() - begin) / len(cases)
        script = Path(__file__).parent / "elsewhere" / "stages_oracle.py"
        one = {**os.environ, "OMP_NUM_THREADS": "1"}  # many small forecasts: threads only wait
        subprocess.run([asked.oracle, str(script), name], check=True, env=one)
        found = [read(path.with_suffix(".json")) for path in paths]
    theirs = [effects for effects, _ in found]
    print("| fault | largest falls, ours | dowhy.gcm | effect of the fault, ours | dowhy.gcm |")
    print("|---|---|---|---|---|")
    right: list[list[bool]] = [[], []]
    same = []
    for bad, mine_, other in zip(cases, ours, theirs, strict=True):
        tops = [{FAULTS[i] for i in np.argsort(e)[: len(bad)]} for e in (mine_, other)]
        for hits, top in zip(right, tops, strict=True):
            hits.append(top == set(bad))
        same.append(tops[0] == tops[1])
        sums = [", ".join(f"{e[FAULTS.index(b)]:+.3f}" for b in bad) for e in (mine_, other)]
        said = [", ".join(sorted(top)) for top in tops]
        print(f"| {', '.join(bad)} | {said[0]} | {said[1]} | {sums[0]} | {sums[1]} |")
    a, b = np.concatenate(ours), np.concatenate(theirs)
    slope = float((a * b).sum() / (b * b).sum())
    print(f"\n{len(cases)} cases, seed {asked.seed}. Largest falls are the faults: ours"
          f" {share(right[0])}, dowhy.gcm {share(right[1])}; the same of both {share(same)}."
          f" Effects of {len(FAULTS)} stages in {len(cases)} cases: correlation"
          f" {np.corrcoef(a, b)[0, 1]:.3f}, median difference {np.median(np.abs(a - b)):.4f},"
          f" ours {slope:.2f} times theirs. A case takes ours {mine:.2f} s (generating it counted),"
          f" dowhy.gcm {np.median([s for _, s in found]):.0f} s.")  # fmt: skip


if __name__ == "__main__":
    main()
