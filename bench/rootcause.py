"""`python -m bench.rootcause --data FOLDER`: right causes of labelled incidents, beside peers.

FOLDER is the live-video set (68 incidents). Exact-match micro-F1 counts a predicted segment as
right only if it is the labelled one, attribute by attribute. Assay's constants are chosen anew for
every incident on the other folds (nested cross-validation, 5 folds by position). The floor is the
best single segment of at most two attributes by its excess. `--riskloc FOLDER` runs the public
repository shaido987/riskloc (clone it) with `--python` of an environment that has its requirements.
Intervals: incidents resampled, paired, 2,000 times, seed 0.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

from bench.incidents import Incident, incidents
from monitors.rootcause.explain import explain
from monitors.rootcause.leaves import packed
from monitors.rootcause.scan import Costs, search, windows
from monitors.windows import Bools, Floats

FOLDS = 5
CHOICES = product((0.05, 0.075, 0.1, 0.15), (0.15, 0.2, 0.3), (-0.5, -0.25, 0.0), (20.0, 100.0))
GRID = [Costs(attribute=a, value=v, order=o, prior=p) for a, v, o, p in CHOICES]
PEERS = ["adtributor", "r_adtributor", "squeeze", "autoroot", "robustspot", "riskloc"]


def _last(case: Incident) -> Bools:
    mark = np.zeros(case.rows.blocks, bool)
    mark[-1] = True
    return mark


def counts(case: Incident, costs: Costs) -> list[int]:
    """[right, wrong, missed, labelled among the first five, labelled] for one incident."""
    found = search(case.rows, windows(case.rows, _last(case), costs), costs)
    said = {frozenset(s) for s in found[0].segments} if found else set()
    first = list(dict.fromkeys(frozenset(s) for c in found for s in c.segments))[:5]
    right = len(said & case.truth)
    among = sum(t in first for t in case.truth)
    return [right, len(said) - right, len(case.truth) - right, among, len(case.truth)]


def floor(case: Incident) -> list[int]:
    """The segment of one or two attributes with the largest excess, less 10% for the second."""
    of = windows(case.rows, _last(case), Costs())
    best: tuple[float, frozenset[tuple[str, str]]] = (0.0, frozenset())
    for size in (1, 2):
        for columns in combinations(range(len(case.columns)), size):
            group = packed(case.rows.codes[:, columns])
            excess = np.bincount(group, of.value - of.expected) * 0.9 ** (size - 1)
            leaf = int(np.flatnonzero(group == int(excess.argmax()))[0])
            named = frozenset(
                (case.columns[c], case.rows.values[c][case.rows.codes[leaf, c]]) for c in columns
            )
            best = max(best, (float(excess.max()), named), key=lambda b: b[0])
    right = int(best[1] in case.truth)
    return [right, 1 - right, len(case.truth) - right, right, len(case.truth)]


def f1(rows: Floats) -> float:
    """Micro-F1 of (incidents, >= 3) counts."""
    right, wrong, missed = rows[:, :3].sum(0)
    return float(2 * right / (2 * right + wrong + missed))


def nested(cases: list[Incident]) -> tuple[Floats, list[Costs]]:
    """Counts per incident with constants chosen on the other folds, and what was chosen."""
    table = np.array([[counts(c, g) for c in cases] for g in GRID], dtype=np.float64)
    fold = np.arange(len(cases)) % FOLDS
    rows, chosen = np.zeros((len(cases), 5)), []
    for k in range(FOLDS):
        others = [t[fold != k] for t in table]
        best = int(np.argmax([f1(t) + 0.5 * t[:, 3].sum() / t[:, 4].sum() for t in others]))
        chosen.append(GRID[best])
        rows[fold == k] = table[best][fold == k]
    return rows, chosen


def interval(a: Floats, b: Floats | None = None, draws: int = 2000) -> tuple[float, float]:
    """95% bootstrap interval of F1, or of the difference a - b over the same incidents."""
    draw = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        rows = draw.integers(0, len(a), len(a))
        found.append(f1(a[rows]) - (f1(b[rows]) if b is not None else 0.0))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def quiet(cases: list[Incident]) -> tuple[int, int]:
    """(windows, with p at its least): every minute before an alarm taken as if it were one."""
    asked = named = 0
    for case in cases:
        before = case.rows.block < case.rows.blocks - 1
        rows = replace(
            case.rows, leaf=case.rows.leaf[before], block=case.rows.block[before],
            total=case.rows.total[before], weight=case.rows.weight[before],
        )  # fmt: skip
        for block in range(rows.blocks):
            mark = np.zeros(rows.blocks, bool)
            mark[block] = True
            found = explain(rows, mark)
            asked += 1
            named += bool(found.causes and found.causes[0].p_value <= 1 / rows.blocks)
    return asked, named


def peers(cases: list[Incident], repository: Path, python: str) -> dict[str, tuple[Floats, float]]:
    """Counts per incident and seconds of the repository's algorithms at their defaults."""
    found: dict[str, tuple[Floats, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "data" / "RS"
        place.mkdir(parents=True)
        lines = []
        for case in cases:
            shutil.copy(case.path, place)
            causes = json.dumps([dict(sorted(t)) for t in case.truth], ensure_ascii=False)
            lines.append(f"- data: {case.path.stem}\n  timestamp: {case.at}\n  cause: {causes}\n")
        (place / "anomaly.yaml").write_text("".join(lines))
        for name in PEERS:
            begin = time.perf_counter()
            subprocess.run(
                [python, str(repository / "run.py"), name, "--data-root", "data",
                 "--run-path", "data/RS", "--n-threads", "1"],
                cwd=folder, capture_output=True, check=False,
            )  # fmt: skip
            seconds = time.perf_counter() - begin
            results = list(Path(folder).glob(f"{name}-all*.csv"))
            if not results:
                print(f"{name}: no result")
                continue
            with results[0].open() as file:
                read = list(csv.DictReader(file))
            by = {r["File"]: [float(r[k]) for k in ("TP", "FP", "FN")] for r in read}
            none = [[0.0, 0.0, float(len(c.truth))] for c in cases]
            rows = np.array([by.get(c.path.stem, n) for c, n in zip(cases, none, strict=True)])
            found[name] = (rows, seconds)
            print(f"{name}: {len(by)} of {len(cases)} incidents answered")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--riskloc", type=Path, default=None)
    parser.add_argument("--python", default="python3")
    arguments = parser.parse_args()
    cases = incidents(arguments.data)
    begin = time.perf_counter()
    shipped: Any = np.array([counts(c, Costs()) for c in cases], dtype=np.float64)
    seconds = time.perf_counter() - begin
    fair, chosen = nested(cases)
    base: Any = np.array([floor(c) for c in cases], dtype=np.float64)
    table = {"assay, nested CV": (fair, seconds), "assay, shipped constants": (shipped, seconds),
             "floor: largest excess": (base, float("nan"))}  # fmt: skip
    if arguments.riskloc:
        table |= peers(cases, arguments.riskloc, arguments.python)
    print(f"{len(cases)} incidents, {int(fair[:, 4].sum())} causes")
    for name, (rows, took) in table.items():
        low, high = interval(rows)
        top = f"  top-5 {rows[:, 3].sum() / rows[:, 4].sum():.3f}" if rows.shape[1] > 3 else ""
        print(f"{name:26s} F1 {f1(rows):.3f} ({low:.3f} to {high:.3f})"
              f"  exact {int(rows[:, 0].sum())}{top}  {took:.1f} s")  # fmt: skip
    for name, (rows, _) in list(table.items())[2:]:
        low, high = interval(fair, rows)
        print(f"assay (nested) less {name}: {f1(fair) - f1(rows):+.3f} ({low:+.3f} to {high:+.3f})")
    print("chosen:", *(f"{c.attribute}/{c.value}/{c.order}/{c.prior:g}" for c in chosen))
    asked, named = quiet(cases)
    least = np.mean([1 / (c.rows.blocks - 1) for c in cases for _ in range(c.rows.blocks - 1)])
    print(f"quiet minutes: {named} of {asked} at the least p possible ({named / asked:.3f};"
          f" exchangeable blocks would give {least:.3f})")  # fmt: skip


if __name__ == "__main__":
    main()
