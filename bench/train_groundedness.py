"""Fit the groundedness combiner: `ASSAY_BENCH_DATA=... python -m bench.train_groundedness`.

Logistic regression over `evaluators.grounding.NAMES` on BEGIN, WiCE, Factcheck-GPT and
FEVER-symmetric, each set and each label weighing the same. Weights are kept at zero or above, since
support can never speak against an answer, and are drawn towards plain word overlap. The figures of
docs/models/groundedness.md come from `bench.groundedness`, which leaves each set out in turn, and
shows what rows made by swapping a fact in supported ones would change (tried, not shipped).
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench.data import Row, auroc, rows
from bench.idf import load
from bench.pairs import put, swap
from evaluators.grounding import NAMES, Item, Views, read
from evaluators.judges.encoder import Encoder
from evaluators.metrics.groundedness import REVISION

SOURCES = ("begin", "wice", "factcheck_stance", "fever_symmetric")
PENALTY = 1e-2
PRIOR = np.array([2.0] + [0.0] * (len(NAMES) - 1))  # plain word overlap, as in 0.1.0
SWAPPED = 0.3  # weight of a set's swapped rows beside its labelled ones
MOST = 200  # supported rows of a set that a fact is swapped in
OUT = Path("evaluators/metrics/groundedness.json")
Array = NDArray[np.float64]


def item(row: Row) -> Item:
    """A labelled row as the evaluator sees it: without the label."""
    return Item(row["question"], row["claim"], (row["context"],))


def matrix(found: Sequence[Row], encoder: Views, idf: Mapping[str, float]) -> Array:
    """One line of `NAMES` per row."""
    return np.array([r.whole.values for r in read([item(row) for row in found], encoder, idf)])


def kept_matrix(
    name: str, part: Sequence[Row], encoder: Encoder, idf: Mapping[str, float]
) -> Array:
    """`matrix`, kept in .bench by encoder and set: the encoder's reading is most of the time."""
    path = Path(".bench") / f"{name}-{len(part)}-{encoder.revision}-{REVISION}.npy"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        np.save(path, matrix(part, encoder, idf))
    return np.asarray(np.load(path))


def swapped(found: Sequence[Row]) -> list[Row]:
    """Rows made of supported ones: a fact swapped in the claim (unsupported), in claim and context
    (supported), in the context alone (unsupported)."""
    right = [row for row in found if row["label"] == 1]
    random.Random(0).shuffle(right)
    names = sorted({w for row in found for w in row["claim"].split()[1:] if w[:1].isupper()})
    out: list[Row] = []
    for row in right[:MOST]:
        draw = random.Random(f"0-{row['id']}")
        if fact := swap(row["claim"], row["context"], names or ["Smith"], draw):
            claim, context = put(row["claim"], *fact), put(row["context"], *fact)
            out.append({**row, "claim": claim, "label": 0})
            out.append({**row, "claim": claim, "context": context})
            out.append({**row, "context": context, "label": 0})
    return out


def kept_swapped(
    name: str, found: Sequence[Row], encoder: Encoder, idf: Mapping[str, float]
) -> tuple[Array, NDArray[np.int64]]:
    """Values and labels of `swapped`, kept like `kept_matrix`."""
    made = swapped(found)
    return kept_matrix(f"{name}-swapped", made, encoder, idf), labels(made)


def labels(found: Sequence[Row]) -> NDArray[np.int64]:
    return np.array([row["label"] for row in found])


def even(parts: Sequence[NDArray[np.int64]]) -> Array:
    """Weights with which every set, and in it every label, counts the same; they add up to 1."""
    one = [np.where(y == 1, 0.5 / (y == 1).sum(), 0.5 / (y == 0).sum()) for y in parts]
    return np.concatenate(one) / len(parts)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Rows of some sets and the rows made of them, end to end, with their weights."""

    x: Array
    y: NDArray[np.int64]
    weight: Array
    made: NDArray[np.bool_]

    @property
    def beta(self) -> Array:
        return fit(self.x, self.y, self.weight)

    def threshold(self, beta: Array) -> float:
        """On the labelled rows alone."""
        real = ~self.made
        return threshold(probability(self.x[real], beta), self.y[real], self.weight[real])


def together(
    parts: Sequence[tuple[Array, NDArray[np.int64]]],
    made: Sequence[tuple[Array, NDArray[np.int64]]] = (),
) -> Fitted:
    """(values, labels) of sets, and of the rows made of each."""
    every = [*parts, *made]
    weight = even([y for _, y in parts])
    if made:
        weight = np.concatenate([weight, SWAPPED * even([y for _, y in made])])
    return Fitted(
        np.vstack([x for x, _ in every]),
        np.concatenate([y for _, y in every]),
        weight,
        np.arange(len(weight)) >= sum(len(y) for _, y in parts),
    )


def fit(x: Array, y: NDArray[np.int64], weight: Array) -> Array:
    """Intercept and non-negative weights of a penalised logistic regression."""

    def loss(beta: Array) -> tuple[float, Array]:
        z = x @ beta[1:] + beta[0]
        slope = weight * (1 / (1 + np.exp(-z)) - y)
        away = beta[1:] - PRIOR[: x.shape[1]]
        value = weight @ (np.logaddexp(0, z) - y * z) + PENALTY * away @ away
        return float(value), np.concatenate([[slope.sum()], x.T @ slope + 2 * PENALTY * away])

    bounds = [(None, None)] + [(0, None)] * x.shape[1]
    return np.asarray(minimize(loss, np.zeros(x.shape[1] + 1), jac=True, bounds=bounds).x)


def probability(x: Array, beta: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-(x @ beta[1:] + beta[0]))))


def threshold(p: Array, y: NDArray[np.int64], weight: Array) -> float:
    """The cut with the best weighted accuracy (every set and label alike: balanced accuracy)."""
    order = np.argsort(p)
    gain = np.cumsum(np.where(y[order] == 0, weight[order], -weight[order]))
    at = int(np.argmax(gain))
    return float(p[order][at : at + 2].mean())


def main() -> None:
    idf, encoder = load(), Encoder()
    parts = {name: rows(name) for name in SOURCES}
    x = {name: kept_matrix(name, found, encoder, idf) for name, found in parts.items()}
    y = {name: labels(found) for name, found in parts.items()}
    fitted = together([(x[name], y[name]) for name in SOURCES])
    beta = fitted.beta
    cut = fitted.threshold(beta)
    for name in SOURCES:
        print(
            f"{name:20s} n={len(y[name]):5d} train AUROC {auroc(y[name], x[name] @ beta[1:]):.3f}"
        )
    weights = {name: round(float(b), 4) for name, b in zip(NAMES, beta[1:], strict=True)}
    spec = {"intercept": round(float(beta[0]), 4), "threshold": round(cut, 4), "weights": weights}
    print(spec)
    OUT.write_text(json.dumps(spec, indent=1) + "\n")


if __name__ == "__main__":
    main()
