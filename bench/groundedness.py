"""Groundedness figures: `ASSAY_BENCH_DATA=... python -m bench.groundedness [--quick]
[--reliability FILE.svg]`.

Leave-one-data-set-out over BEGIN, WiCE, Factcheck-GPT and FEVER-symmetric: the combiner that scores
a set is fitted on the other three; the shipped encoder saw none of the four. HaluEval
(pairs whose two answers differ by at most 15% in length, test groups) is scored by the combiner of
all four. Intervals: 95%, bootstrap by group. Then the sanity checks and the speed.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import grounding_checks as checks
from bench.data import Row, auroc, is_test, overlap, rows
from bench.idf import load
from bench.reliability import Curve, curve, drawn
from bench.train_groundedness import (
    SOURCES,
    fit,
    kept_matrix,
    kept_swapped,
    labels,
    matrix,
    probability,
    together,
)
from evaluators.embedding import Embedder
from evaluators.features import NAMES as ALIGNED
from evaluators.grounding import NAMES
from evaluators.judges.encoder import Encoder
from evaluators.words import stem, words

ROUNDS = 2000
ALIGNMENT = len(ALIGNED)  # columns before the encoder's
BEFORE = (1.53, 0.1143, 0.0, 0.1865, 0.3255, 0.162, 0.2436, 0.0782)  # weights of 5a6fcf051885
Array = NDArray[np.float64]


def matched(name: str, most: int = 150) -> list[Row]:
    """Test-group pairs of HaluEval whose answers differ by at most 15% in length."""
    pairs: dict[str, dict[int, Row]] = defaultdict(dict)
    for row in rows(name):
        if is_test(row):
            pairs[row["id"].rsplit("-", 1)[0]][row["label"]] = row
    both = [p for p in pairs.values() if len(p) == 2]
    sizes = [(len(p[0]["claim"]), len(p[1]["claim"])) for p in both]
    kept = [p for p, (a, b) in zip(both, sizes, strict=True) if abs(a - b) <= 0.15 * max(a, b)]
    return [p[label] for p in kept[:most] for label in (0, 1)]


def draws(groups: Sequence[str]) -> list[NDArray[np.int64]]:
    """ROUNDS samples of row numbers, drawn by whole groups, seed 0."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    lists = [np.array(m) for m in members.values()]
    rng = np.random.default_rng(0)
    picks = (rng.integers(len(lists), size=len(lists)) for _ in range(ROUNDS))
    return [np.concatenate([lists[i] for i in pick]) for pick in picks]


def quality(y: NDArray[np.int64], p: Array, weight: Array) -> tuple[float, float]:
    """Weighted Brier score and calibration error over ten bins of equal mass."""
    order = np.argsort(p, kind="stable")
    mass = np.cumsum(weight[order]) / weight.sum()
    error = 0.0
    for low in np.arange(0, 1, 0.1):
        cell = order[(mass > low) & (mass <= low + 0.1 + 1e-12)]
        if len(cell):
            gap = np.average(p[cell], weights=weight[cell]) - np.average(
                y[cell], weights=weight[cell]
            )
            error += abs(gap) * weight[cell].sum() / weight.sum()
    return float(np.average((p - y) ** 2, weights=weight)), float(error)


def rare(y: NDArray[np.int64], share: float = 0.05) -> Array:
    """Weights under which `share` of the rows are unsupported."""
    return np.asarray(np.where(y == 0, share / (y == 0).sum(), (1 - share) / (y == 1).sum()))


def shifted(p: Array, old: float, new: float) -> Array:
    """Probabilities at another share of supported rows, all else alike (Bayes' rule)."""
    odds = p / (1 - p) * (new / (1 - new)) / (old / (1 - old))
    return np.asarray(odds / (1 + odds))


def bigrams(row: Row) -> float:
    said, held = ([stem(w) for w in words(row[k])] for k in ("claim", "context"))
    pairs = set(pairwise(held))
    mine = list(pairwise(said))
    return float(sum(p in pairs for p in mine) / max(1, len(mine)))


def cosine(found: list[Row]) -> Array:
    embedder = Embedder()
    a, b = (embedder.embed([row[k] for row in found]) for k in ("claim", "context"))
    return np.asarray((a * b).sum(1), float)


def baselines(found: list[Row], idf: dict[str, float], x: Array) -> dict[str, Array]:
    return {
        "shortness": np.array([-float(len(row["claim"])) for row in found]),
        "word overlap": np.array([overlap(row["claim"], row["context"]) for row in found]),
        "bigram overlap": np.array([bigrams(row) for row in found]),
        "MiniLM cosine": cosine(found),
        "0.1.0 before": x[:, 1:ALIGNMENT] @ np.array(BEFORE),
        "encoder alone": x[:, ALIGNMENT],
        "weakest piece alone": x[:, ALIGNMENT + 1],
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="without sanity checks and speed")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--reliability", type=Path, help="draw a diagram of every set there")
    options.add_argument("--only", help="read these sets (with commas) and stop")
    asked = options.parse_args()
    idf, encoder = load(), Encoder(threads=asked.threads)
    found = {name: rows(name) for name in SOURCES}
    halu = ("halueval_qa", "halueval_dialogue", "halueval_summarization")
    found |= {name: matched(name) for name in halu}
    if asked.only:
        for name in asked.only.split(","):
            kept_matrix(name, found[name], encoder, idf)
        return
    x = {name: kept_matrix(name, part, encoder, idf) for name, part in found.items()}
    y = {name: labels(part) for name, part in found.items()}
    made = {name: kept_swapped(name, found[name], encoder, idf) for name in SOURCES}
    fitted = {}
    curves: list[Curve] = []
    print("| set, score | n | AUROC | 95% interval | minus word overlap | groundedness minus it |")
    print("|---|---|---|---|---|---|")
    means: dict[str, list[float]] = defaultdict(list)
    drawn_means: dict[str, list[Array]] = defaultdict(list)
    calibration = []
    for name, part in found.items():
        train = [n for n in SOURCES if n != name]
        data = together([(x[n], y[n]) for n in train], [made[n] for n in train])
        real = ~data.made
        columns = {
            "alignment, fitted": (real, range(ALIGNMENT)),
            "without binding (revision 5)": (real, range(ALIGNMENT + 2)),
            "with swapped rows": (real | True, range(len(NAMES))),
            "groundedness": (real, range(len(NAMES))),
        }
        scores = baselines(part, idf, x[name])
        for title, (used, columns_of) in columns.items():
            kept = list(columns_of)
            beta = fit(data.x[used][:, kept], data.y[used], data.weight[used])
            scores[title] = probability(x[name][:, kept], beta)
        fitted[name] = (beta, data.threshold(beta))
        picks = draws([row["group"] for row in part])
        sampled = {
            title: np.array([auroc(y[name][i], score[i]) for i in picks])
            for title, score in scores.items()
        }
        for title, score in scores.items():
            value = auroc(y[name], score)
            low, high = np.nanquantile(sampled[title], [0.025, 0.975])
            less, more = np.nanquantile(sampled[title] - sampled["word overlap"], [0.025, 0.975])
            worse, better = np.nanquantile(sampled["groundedness"] - sampled[title], [0.025, 0.975])
            print(
                f"| {name}, {title} | {len(part)} | {value:.3f} | {low:.3f} to {high:.3f} "
                f"| {less:+.3f} to {more:+.3f} | {worse:+.3f} to {better:+.3f} |",
                flush=True,
            )
            if name in SOURCES:
                means[title].append(value)
                drawn_means[title].append(sampled[title])
        curves.append(curve(name, y[name], scores["groundedness"]))
        p, cut = scores["groundedness"], fitted[name][1]
        true, false = (p >= cut)[y[name] == 1].mean(), (p < cut)[y[name] == 0].mean()
        brier, ece = quality(y[name], p, np.ones(len(p)))
        brier5, ece5 = quality(y[name], p, rare(y[name]))
        known = shifted(p, 0.5, float(y[name].mean()))
        ece_known = quality(y[name], known, np.ones(len(p)))[1]
        ece5_known = quality(y[name], shifted(p, 0.5, 0.95), rare(y[name]))[1]
        calibration.append(
            f"| {name} | {y[name].mean():.2f} | {(true + false) / 2:.3f} | {brier:.3f} | {ece:.3f} "
            f"| {brier5:.3f} | {ece5:.3f} | {ece_known:.3f} | {ece5_known:.3f} |"
        )
    print("\n| mean of the four | AUROC | groundedness minus it |\n|---|---|---|")
    for title, values in means.items():
        apart = np.mean(drawn_means["groundedness"], 0) - np.mean(drawn_means[title], 0)
        low, high = np.nanquantile(apart, [0.025, 0.975])
        print(f"| {title} | {np.mean(values):.3f} | {low:+.3f} to {high:+.3f} |")
    print(
        "\n| set | supported | balanced accuracy | Brier | ECE | Brier at 5% | ECE at 5% "
        "| ECE, rate known | ECE at 5%, rate known |"
    )
    print("|---|---|---|---|---|---|---|---|---|", *calibration, sep="\n")
    if asked.reliability:
        asked.reliability.write_text(drawn(curves))
    if not asked.quick:
        once = checks.Remembering(encoder)
        judge: Callable[[str, list[Row]], NDArray[np.bool_]] = lambda name, part: (  # noqa: E731
            probability(matrix(part, once, idf), fitted[name][0]) >= fitted[name][1]
        )
        checks.sanity({n: found[n] for n in SOURCES}, judge)
        checks.speed({n: found[n] for n in SOURCES}, idf, fitted)


if __name__ == "__main__":
    main()
