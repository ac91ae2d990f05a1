"""`python -m bench.faults`: faults put into known segments of LLM traffic, and quiet traffic.

12 columns, 40,000 calls over 24 days of which the last 3 are current (bench/traffic.py); each cell
has its own seeds. Recall at k: injected segments among the first k named, exactly, attribute by
attribute. A false cause: one named with p <= 0.05 that was not injected, nor holds or lies in one
that was. The baseline is the best single segment: of all with one or two attributes that are large
enough, the one that moved the total most, less 10% for the second (recall at 3: its first three).
Intervals are Wilson, 95%; the unit is the case.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations

import numpy as np

from bench.traffic import Case, Kind, Segment, case
from monitors.rootcause.explain import explain
from monitors.rootcause.leaves import leaves
from schemas.estimates.shares import wilson

LEVEL = 0.05
FAULTS = [
    *((f"{n} attribute{'s' * (n > 1)}, {e:g}", Kind((n,), e))
      for n in (1, 2, 3) for e in (0.05, 0.1, 0.2, 0.4)),
    ("1 attribute, 0.1, mix shift", Kind((1,), 0.1, mix=True)),
    ("2 attributes, 0.2, mix shift", Kind((2,), 0.2, mix=True)),
    ("2 attributes, 0.2, days differ more", Kind((2,), 0.2, day=0.05)),
    ("2 attributes, 0.2, sessions alike", Kind((2,), 0.2, session=0.2)),
    ("1 attribute, 0.1, failures", Kind((1,), 0.1, failures=True)),
    ("2 attributes, 0.2, failures", Kind((2,), 0.2, failures=True)),
    ("two causes: 1 and 2, 0.2", Kind((1, 2), 0.2)),
    ("two causes: 2 and 2, 0.2, mix shift", Kind((2, 2), 0.2, mix=True)),
]  # fmt: skip
QUIET = [
    ("quiet, independent", Kind(session=0.0, day=0.0)), ("quiet, sessions", Kind(day=0.0)),
    ("quiet, days AR(1)", Kind()), ("quiet, days differ more", Kind(day=0.05)),
    ("quiet, mix shift", Kind(mix=True)), ("quiet, failures", Kind(failures=True)),
]  # fmt: skip


def floor(given: Case, keep: int = 3) -> list[Segment]:
    """The best single segments by their part in the change of the total."""
    rows, now = given.rows, given.current[given.rows.block]
    codes = rows.codes[rows.leaf]
    w1, w0 = rows.weight[now].sum(), rows.weight[~now].sum()
    sign = np.sign(rows.total[now].sum() / w1 - rows.total[~now].sum() / w0)
    found: list[tuple[float, tuple[int, ...], int]] = []
    for size in (1, 2):
        for columns in combinations(range(len(rows.columns)), size):
            cell = np.zeros(len(codes), np.int64)
            for c in columns:
                cell = cell * len(rows.values[c]) + codes[:, c]
            v1, n1 = (
                np.bincount(cell[now], x[now], cell.max() + 1) for x in (rows.total, rows.weight)
            )
            v0, n0 = (
                np.bincount(cell[~now], x[~now], cell.max() + 1) for x in (rows.total, rows.weight)
            )
            enough = (n1 / w1 >= 0.005) & (n0 / w0 >= 0.005)
            moved = v1 / np.maximum(n1, 1) - v0 / np.maximum(n0, 1)
            part = np.where(enough, sign * moved * n1 / w1, -1) * 0.9 ** (size - 1)
            found += [(float(part[i]), columns, int(i)) for i in np.argsort(-part)[:keep]]
    named = []
    for _, columns, cell_ in sorted(found, reverse=True)[:keep]:
        pairs, rest = [], cell_
        for c in reversed(columns):
            rest, code = divmod(rest, len(rows.values[c]))
            pairs.append((rows.columns[c], rows.values[c][code]))
        named.append(frozenset(pairs))
    return named


def outcome(seed: int, kind: Kind, rows: int, days: int, last: int) -> dict[str, float]:
    """Of one case: hits at 1 and 3 of both, causes injected, false causes, seconds."""
    given = case(seed, kind, rows, days, last)
    begin = time.perf_counter()
    found = explain(given.rows, given.current, seed=seed)
    took = time.perf_counter() - begin
    first = list(dict.fromkeys(frozenset(s) for c in found.candidates for s in c.segments))
    # Beside faults that are several, as many are looked at as were injected.
    n = max(1, len(given.truth))
    base = floor(given)
    sure = [frozenset((c, v) for c, vs in x.segment.items() for v in vs)
            for x in found.causes if x.p_value <= LEVEL]  # fmt: skip
    related = [any(s <= t or t <= s for t in given.truth) for s in sure]
    return {
        "at1": sum(t in first[:n] for t in given.truth),
        "at3": sum(t in first[: 3 * n] for t in given.truth),
        "sure": sum(t in sure for t in given.truth),
        "base1": sum(t in base[:n] for t in given.truth),
        "base3": sum(t in base for t in given.truth), "causes": len(given.truth),
        "false": len(sure) - sum(related), "any": float(bool(sure)),
        "everywhere": float(found.kind == "everywhere" and found.p_change <= LEVEL),
        "seconds": took,
    }  # fmt: skip


def million(rows: int) -> str:
    """Seconds, and of them those of the processor, of one search on many rows."""
    begin = time.perf_counter()
    given = case(1, Kind((2,), 0.1), rows, 24, 3)
    made = time.perf_counter()
    columns = {
        c: np.array(v)[given.rows.codes[given.rows.leaf, i]]
        for i, (c, v) in enumerate(zip(given.rows.columns, given.rows.values, strict=True))
    }
    start, first = time.perf_counter(), time.process_time()
    again = leaves(columns, given.rows.block, given.rows.total, given.rows.weight)
    coded, second = time.perf_counter(), time.process_time()
    found = explain(again, given.current)
    done, third = time.perf_counter(), time.process_time()
    said = [dict(s) for c in found.candidates[:1] for s in c.segments]
    return (
        f"{rows} rows x {len(columns)} columns: text columns coded in {coded - start:.1f} s"
        f" (processor {second - first:.1f} s), searched with 199 permutations in"
        f" {done - coded:.1f} s (processor {third - second:.1f} s; generated in"
        f" {made - begin:.0f} s); injected {[dict(t) for t in given.truth]}, named {said}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--million", type=int, default=1_000_000, help="rows of the timed search")
    asked = parser.parse_args()
    begun = time.monotonic()
    print("| traffic | recall at 1 | at 3 | named with p <= .05 | false causes a case |"
          " baseline at 1 | at 3 |\n|---|---|---|---|---|---|---|")  # fmt: skip
    seconds = []
    with ProcessPoolExecutor(asked.jobs) as pool:
        for number, (name, kind) in enumerate([*FAULTS, *QUIET]):
            if asked.only not in name:
                continue
            ask = partial(outcome, kind=kind, rows=asked.rows, days=24, last=3)
            seeds = range(
                asked.seed * 10**6 + number * 1000, asked.seed * 10**6 + number * 1000 + asked.runs
            )
            got = list(pool.map(ask, seeds))
            total = {k: sum(g[k] for g in got) for k in got[0]}
            seconds += [g["seconds"] for g in got]
            if not total["causes"]:
                low, high = wilson(total["any"] / len(got), len(got))
                print(f"| {name} | | | {total['any'] / len(got):.3f} ({low:.3f} to {high:.3f}) |"
                      f" {total['false'] / len(got):.3f} | everywhere: "
                      f"{total['everywhere'] / len(got):.3f} | |", flush=True)  # fmt: skip
                continue
            cells = []
            for key in ("at1", "at3", "sure", "base1", "base3"):
                share = total[key] / total["causes"]
                low, high = wilson(share, int(total["causes"]))
                cells.append(f"{share:.2f} ({low:.2f} to {high:.2f})")
            cells.insert(3, f"{total['false'] / len(got):.2f}")
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    took = time.monotonic() - begun
    if seconds:
        print(f"\n{asked.runs} cases a row of {asked.rows} calls, seed {asked.seed}, median"
              f" {np.median(seconds):.2f} s a search; {took:.0f} s in all")  # fmt: skip
    if asked.million:
        print(million(asked.million))


if __name__ == "__main__":
    main()
