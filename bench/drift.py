"""`python -m bench.drift --data clinc150.jsonl`: level and power of every two-sample test.

Windows of 300 rows (60 sessions of 5 in the session columns) are drawn without replacement from
the labelled utterances; in a shifted window a share of rows comes from one domain instead. Level:
share of quiet pairs with p <= 0.05 (a session's rows then share their domain). Power: the same over
shifted pairs. The baseline is mean utterance length by Welch's t-test, rows as units. Intervals
are Clopper-Pearson, 95%.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from evaluators.embedding import Embedder
from monitors.drift.two_sample import Pair, pair
from schemas.registry import load

ROWS, SESSION, LEVEL, PERMUTATIONS = 300, 5, 0.05, 199
VECTORS = ("energy", "mmd", "classifier")


def _sessions(draw: Any, domains: Any) -> Any:
    """Rows of SESSION utterances each, all of one domain."""
    rows = []
    for domain in draw.choice(np.unique(domains), ROWS // SESSION):
        rows.append(draw.choice(np.flatnonzero(domains == domain), SESSION, replace=False))
    return np.concatenate(rows)


def _drawn(draw: Any, domains: Any, share: float, sessions: bool) -> tuple[Any, Any]:
    """Row numbers of a reference and a current window."""
    if sessions:
        return _sessions(draw, domains), _sessions(draw, domains)
    rows = draw.permutation(len(domains))[: 2 * ROWS]
    old, new = rows[:ROWS], rows[ROWS:].copy()
    moved = draw.random(ROWS) < share
    wanted = np.flatnonzero(domains == draw.choice(np.unique(domains)))
    new[moved] = draw.choice(wanted, int(moved.sum()))
    return old, new


def _pair(values: Any, old: Any, new: Any, sessions: bool) -> Pair:
    number = np.repeat(np.arange(ROWS // SESSION), SESSION)
    return pair(values[old], values[new], (number, number) if sessions else None)


def main() -> None:
    """Print one line per test and condition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.data.read_text().splitlines()]
    draw = np.random.default_rng(arguments.seed)
    rows = [rows[n] for n in draw.permutation(len(rows))[:8000]]
    texts, domains = [r["text"] for r in rows], np.array([r["domain"] for r in rows])
    vectors = Embedder(cache_size=len(texts)).embed(texts).astype(np.float64)
    length = np.array([[len(t)] for t in texts], dtype=np.float64)
    tests = load("two_sample", "monitors.drift")
    conditions = [("quiet", 0.0, False), ("quiet, sessions of 5", 0.0, True)]
    conditions += [(f"{s:.0%} from one domain", s, False) for s in (0.05, 0.1, 0.2)]
    print(f"{len(texts)} texts, {arguments.runs} runs each, level {LEVEL}, seed {arguments.seed}")
    for name, share, sessions in conditions:
        hits = dict.fromkeys([*VECTORS, "ks", "mann_whitney", "baseline t-test"], 0)
        for run in range(arguments.runs):
            old, new = _drawn(draw, domains, share, sessions)
            held = ((True, vectors), (False, length))
            both = {k: _pair(v, old, new, sessions) for k, v in held}
            for test in (*VECTORS, "ks", "mann_whitney"):
                answer = tests[test](both[test in VECTORS], run, PERMUTATIONS)
                hits[test] += answer.p_value <= LEVEL
            a, b = length[old, 0], length[new, 0]
            hits["baseline t-test"] += stats.ttest_ind(a, b, equal_var=False).pvalue <= LEVEL
        for test, n in hits.items():
            low, high = stats.binomtest(n, arguments.runs).proportion_ci()
            rate = f"{n / arguments.runs:.3f} ({low:.3f} to {high:.3f})"
            print(f"{name:24s} {test:16s} {rate}", flush=True)


if __name__ == "__main__":
    main()
