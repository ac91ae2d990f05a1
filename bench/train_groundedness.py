"""Fit the groundedness weights: `ASSAY_BENCH_DATA=... python -m bench.train_groundedness`.

Trains on length-matched HaluEval dialogue, FEVER-symmetric, SNLI, WiCE and Factcheck-GPT (the
groups that `bench.data.is_test` leaves for training). BEGIN is never read here; it served to pick
this shape of model (docs/benchmarks.md says how). Weights are kept at zero or above, since support
can never speak against an answer, and are drawn towards plain word overlap: the training sources
are made of adversarial pairs, and a model fitted freely to them does worse than overlap on the
answers of real systems.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from bench.data import SEED, Row, auroc, is_test, length_matched, rows
from evaluators.features import NAMES, STOP, compare, stem, words

SOURCES = ("halueval_dialogue", "fever_symmetric", "snli", "wice", "factcheck_stance")
PER_SOURCE = 1500
PENALTY = 1e-2
PRIOR = np.array([2.0] + [0.0] * (len(NAMES) - 1))  # plain word overlap
OUT = Path("evaluators/metrics/groundedness.json")


def training_rows() -> list[Row]:
    """At most PER_SOURCE rows per source, with training groups only, seeded."""
    found: list[Row] = []
    for name in SOURCES:
        part = [row for row in rows(name) if not is_test(row)]
        part = length_matched(part)
        random.Random(SEED).shuffle(part)
        found += part[:PER_SOURCE]
    return found


def rarity(texts: list[str]) -> dict[str, float]:
    """Inverse document frequency of the 3,000 most common stems; '' holds that of the rest."""
    counts = Counter(s for t in texts for s in {stem(w) for w in words(t) if w not in STOP})
    top = math.log(len(texts))
    common = {s: round(math.log(len(texts) / n), 2) for s, n in counts.most_common(3000)}
    return {"": round(top, 2), **common}


def main() -> None:
    found = training_rows()
    idf = rarity(sorted({row["context"] for row in found}))
    compared = [compare(row["claim"], [row["context"]], idf) for row in found]
    x = np.array([c.values for c in compared], dtype=float)
    y = np.array([row["label"] for row in found])
    sources = np.array([row["dataset"] for row in found])
    weight = np.zeros(len(y))  # each source and each label weighs the same
    for name in SOURCES:
        for label in (0, 1):
            cell = (sources == name) & (y == label)
            weight[cell] = 0.5 / len(SOURCES) / cell.sum()

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        away = beta[1:] - PRIOR
        z = x @ beta[1:] + beta[0]
        p = 1 / (1 + np.exp(-z))
        value = weight @ (np.logaddexp(0, z) - y * z) + PENALTY * away @ away
        slope = weight * (p - y)
        gradient = np.concatenate([[slope.sum()], x.T @ slope + 2 * PENALTY * away])
        return float(value), gradient

    bounds = [(None, None)] + [(0, None)] * len(NAMES)
    beta = minimize(loss, np.zeros(len(NAMES) + 1), jac=True, bounds=bounds).x
    for name in SOURCES:
        cell = sources == name
        scores = x[cell] @ beta[1:]
        print(f"{name:20s} n={cell.sum():5d} train AUROC {auroc(y[cell], scores):.3f}")
    weights = {name: round(float(b), 4) for name, b in zip(NAMES, beta[1:], strict=True)}
    print(weights, "intercept", round(float(beta[0]), 4))
    spec = {"intercept": round(float(beta[0]), 4), "weights": weights, "idf": idf}
    OUT.write_text(json.dumps(spec, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()
