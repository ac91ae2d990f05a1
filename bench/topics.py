"""Topics on labelled questions: `python -m bench.topics --data clinc150.jsonl --label domain`.

Purity and adjusted Rand index of the clusters against labels that were not used, beside the same
cluster sizes at random. Then shifts: windows of 300 sessions of one question; in a shifted window a
share of questions is of one label instead. Known: the reference had it; new: the reference had none
of it. Share of runs whose topics are said to have moved; level .05 over all topics of a run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import adjusted_rand_score  # type: ignore[import-untyped]

from evaluators.embedding import Embedder
from monitors.topics import assign, fit, moved

ROWS = 300


def purity(truth: Any, which: Any) -> float:
    """Share of rows whose label is the commonest of their cluster."""
    return sum(
        int(np.unique(truth[which == k], return_counts=True)[1].max()) for k in np.unique(which)
    ) / len(truth)


def main() -> None:
    """Print quality of clusters, and how often shifts are found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--label", default="domain")
    parser.add_argument("--points", type=int, default=3000)
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.data.read_text().splitlines()]
    draw = np.random.default_rng(arguments.seed)
    rows = [rows[n] for n in draw.permutation(len(rows))[: arguments.points]]
    texts, truth = [r["text"] for r in rows], np.array([r[arguments.label] for r in rows])
    vectors = Embedder(cache_size=len(texts)).embed(texts).astype(np.float64)
    half = len(rows) // 2
    topics = fit(texts[:half], vectors[:half], arguments.topics, arguments.seed)
    which = (vectors[half:] @ topics.centres.T).argmax(1)
    random = draw.permutation(which)
    print(f"{arguments.data.name}: {half} to find topics, {len(rows) - half} to judge them,"
          f" {len(np.unique(truth))} labels, seed {arguments.seed}")  # fmt: skip
    for name, found in (("topics", which), ("same sizes at random", random)):
        print(f"{name:22s} purity {purity(truth[half:], found):.3f}"
              f"  ARI {adjusted_rand_score(truth[half:], found):.3f}", flush=True)  # fmt: skip
    print("for example: " + "; ".join(topics.labels[:5]))
    none = np.arange(ROWS), np.arange(ROWS)
    names = np.unique(truth)
    for kind, share in (("known", 0.0), ("known", 0.05), ("known", 0.1), ("known", 0.2),
                        ("new", 0.05), ("new", 0.1)):  # fmt: skip
        hits = {"any topic": 0, "appeared": 0}
        for run in range(arguments.runs):
            label = draw.choice(names)
            lacks = truth[:half] != label
            used = topics
            if kind == "new":
                known = np.flatnonzero(lacks)
                used = fit([texts[n] for n in known], vectors[known], arguments.topics, run)
            pool = half + np.flatnonzero(truth[half:] != label) if kind == "new" else (
                np.arange(half, len(rows)))  # fmt: skip
            both = draw.choice(pool, 2 * ROWS, replace=False)
            old, new = both[:ROWS], both[ROWS:].copy()
            wanted = half + np.flatnonzero(truth[half:] == label)
            moving = draw.random(ROWS) < share
            new[moving] = draw.choice(wanted, int(moving.sum()))
            found = moved(used, assign(used, vectors[old]), assign(used, vectors[new]), none,
                          seed=run)  # fmt: skip
            verdicts = {each.verdict for each in found}
            hits["any topic"] += verdicts != {"no change found"}
            hits["appeared"] += "appeared" in verdicts
        for what, n in hits.items():
            low, high = stats.binomtest(n, arguments.runs).proportion_ci()
            print(f"{kind} label, {share:4.0%} of questions: {what:10s} {n / arguments.runs:.2f}"
                  f" ({low:.2f} to {high:.2f})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
