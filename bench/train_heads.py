"""Train and measure the heads: `ASSAY_BENCH_DATA=... python -m bench.train_heads [toxicity] [...]`.

Logistic regression (L2) over the MiniLM embedding and hashed character n-grams. Rows are grouped by
their words without case and order; a fifth of the groups is the test part, a fifth picks penalty
and weight, the rest trains. The shipped weights are fitted on the training part alone, so that the
figures are theirs. Also printed: what they say of ordinary text (no label used).

The labelled harmless rows are of one kind (tweets; questions), so harmless text of other kinds is
added to the training: utterances, sentences, dialogue turns, news. Half of the training weighs as
bad, of real texts little is; so the intercept is lowered until at most 1% of such texts (others)
reach 0.5. Banking77 and BEGIN, which nothing was drawn from, show what that comes to elsewhere.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack

from bench.data import SEED, auroc, folder, interval, rows
from evaluators.embedding import Embedder
from evaluators.judges.heads import BUCKETS, WEIGHTS, WINDOW, Head, buckets, plain

Array = NDArray[np.float64]
GRAMS_ALONE = {"toxicity"}  # without the embedding
MOST = 2700  # offensive tweets that are used: as many as there are harmless ones
KEYWORDS = {
    "toxicity": r"\b(?:bitch|hoe|nigg|fuck|shit|pussy|fag|cunt|ass|slut|whore|dick|retard|trash)",
    "prompt_injection": r"\b(?:ignore|forget|disregard|previous|above|instructions?|prompts?"
    r"|pretend|act as|vergiss|ignoriere|anweisung)",
}  # fmt: skip


def load(name: str) -> tuple[list[str], NDArray[np.int64], list[str]]:
    """(texts, labels, groups); a group is a text's set of words."""
    with (folder() / "guardrails" / f"{name}.jsonl").open() as file:
        found: list[dict[str, Any]] = [json.loads(line) for line in file]
    if name == "toxicity":
        many = [r for r in found if r["fine_label"] == "offensive"]
        kept = random.Random(SEED).sample(many, MOST)
        found = [r for r in found if r["fine_label"] != "offensive"] + kept
    texts = [str(row["text"]) for row in found]
    groups = [" ".join(sorted(set(re.findall(r"\w+", plain(text))))) for text in texts]
    return texts, np.array([int(row["label"]) for row in found]), groups


def part(group: str) -> str:
    draw = random.Random(f"{SEED}-{group}").random()
    return "test" if draw < 0.2 else "pick" if draw < 0.4 else "train"


def grams(texts: Sequence[str]) -> csr_matrix:
    """Rows of unit length over the buckets."""
    found = [buckets(text) for text in texts]
    values = np.concatenate([np.full(len(f), 1 / np.sqrt(max(1, len(f)))) for f in found])
    ends = np.cumsum([0, *map(len, found)])
    return csr_matrix((values, np.concatenate(found), ends), shape=(len(texts), BUCKETS))


def fit(x: csr_matrix, dense: Array, y: NDArray[np.int64], penalty: float, weight: float) -> Array:
    """Intercept, weights of the embedding, weights of the n-grams. Labels weigh the same; of the 0s
    half is text that nobody labelled (2)."""
    some = (y == 2).any()
    share = np.where(y == 1, 0.5 / (y == 1).sum(), (0.25 if some else 0.5) / (y == 0).sum())
    if some:
        share[y == 2] = 0.25 / (y == 2).sum()
        y = np.where(y == 2, 0, y)
    size = dense.shape[1]

    def loss(beta: Array) -> tuple[float, Array]:
        z = beta[0] + dense @ beta[1 : size + 1] + weight * (x @ beta[size + 1 :])
        slope = share * (1 / (1 + np.exp(-z)) - y)
        value = share @ (np.logaddexp(0, z) - y * z) + penalty * beta[1:] @ beta[1:]
        back = np.concatenate([[slope.sum()], dense.T @ slope, weight * (x.T @ slope)])
        back[1:] += 2 * penalty * beta[1:]
        return float(value), back

    start = np.zeros(1 + size + x.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B",
                               options={"maxiter": 300}).x)  # fmt: skip


def score(x: csr_matrix, dense: Array, beta: Array, weight: float) -> Array:
    size = dense.shape[1]
    return np.asarray(beta[0] + dense @ beta[1 : size + 1] + weight * (x @ beta[size + 1 :]))


def save(name: str, beta: Array, weight: float) -> None:
    """The embedding's weights as fp32, the n-grams' as int8 with one scale."""
    size = len(beta) - 1 - BUCKETS
    tail, head = beta[size + 1 :], np.zeros(384, np.float32)
    if size == len(head):
        head[:] = beta[1 : size + 1]
    scale = np.abs(tail).max() / 127
    np.savez_compressed(
        WEIGHTS / f"{name}.npz", embedding=head,
        grams=np.round(tail / scale).astype(np.int8), scale=np.float64(scale),
        intercept=np.float64(beta[0]), weight=np.float64(weight),
    )  # fmt: skip


def harmless() -> tuple[list[str], list[str]]:
    """Texts that are taken for harmless: to train on, and to set the intercept by; 1,200 each."""
    with (folder() / "drift" / "clinc150.jsonl").open() as file:
        kinds = [[str(json.loads(line)["text"]) for line in file]]
    kinds.append([r["claim"] for r in rows("snli")])
    kinds.append([r["claim"] for r in rows("halueval_dialogue") if r["label"] == 1])
    news = [r["context"].split() for r in rows("halueval_summarization")]
    kinds.append([" ".join(words[:WINDOW]) for words in news])
    drawn = [random.Random(SEED + 1).sample(sorted(set(texts)), 600) for texts in kinds]
    return [t for d in drawn for t in d[:300]], [t for d in drawn for t in d[300:]]


def embedded(name: str, texts: Sequence[str], embedder: Embedder) -> Array:
    """Embeddings, kept in .bench: they are most of the time."""
    kept = Path(".bench") / f"heads-{name}-{len(texts)}.npy"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        np.save(kept, embedder.embed([plain(text) for text in texts]))
    return np.asarray(np.load(kept), np.float64)


def ordinary() -> dict[str, list[str]]:
    """Texts of people and assistants that nobody called toxic or an injection, n = 1,000 each."""
    out = {}
    with (folder() / "drift" / "banking77.jsonl").open() as file:
        found = [str(json.loads(line)["text"]) for line in file]
    out["banking77"] = random.Random(SEED).sample(found, 1000)
    begin = rows("begin")
    drawn = random.Random(SEED).sample(begin, 1000)
    out["begin answers"] = [r["claim"] for r in drawn]
    out["begin documents"] = [r["context"] for r in drawn]
    return out


def measure(name: str, embedder: Embedder) -> None:
    texts, y, groups = load(name)
    parts = np.array([part(group) for group in groups])
    x = grams(texts)
    alone = name in GRAMS_ALONE

    def vectors(kept: str, of: Sequence[str]) -> Array:
        return np.zeros((len(of), 1)) if alone else embedded(kept, of, embedder)

    dense = vectors(name, texts)
    train, pick, test = (parts == p for p in ("train", "pick", "test"))
    more, usual = harmless()
    extra = grams(more), vectors("harmless", more)

    def trained(among: Any, penalty: float, weight: float) -> Array:
        """A head on labelled rows, and on harmless text that weighs as much as their 0s."""
        every = vstack([x[among], extra[0]]).tocsr()
        said = np.concatenate([y[among], np.full(len(more), 2)])
        return fit(every, np.vstack([dense[among], extra[1]]), said, penalty, weight)

    best = (0.0, 0.0, 0.0)
    for weight in (1.0,) if alone else (0.3, 1.0, 3.0):
        for penalty in (1e-4, 3e-4, 1e-3, 3e-3):
            beta = trained(train, penalty, weight)
            area = auroc(y[pick], score(x[pick], dense[pick], beta, weight))
            best = max(best, (area, penalty, weight))
    area, penalty, weight = best
    print(f"\n{name}: n = {train.sum()} / {pick.sum()} / {test.sum()} (train / pick / test),"
          f" penalty {penalty}, n-gram weight {weight}, on pick {area:.3f}")  # fmt: skip
    beta = trained(train, penalty, weight)
    level = score(grams(usual), vectors("usual", usual), beta, weight)
    lower = max(0.0, float(np.quantile(level, 0.99)))
    print(f"intercept {beta[0]:.3f}, lowered by {lower:.3f}")
    beta[0] -= lower
    save(name, beta, weight)
    held = [g for g, t in zip(groups, test, strict=True) if t]
    shown = [t for t, is_test in zip(texts, test, strict=True) if is_test]
    head = np.array(Head(name).chances(shown, embedder))
    bag = fit(x[train], np.zeros((train.sum(), 1)), y[train], 1e-4, 1.0)
    only = fit(x[train][:, :0], dense[train], y[train], penalty, 0.0)
    rules = re.compile(KEYWORDS[name], re.IGNORECASE)
    every = {
        f"**{name}**": head,
        "embedding alone": score(x[test][:, :0], dense[test], only, 0.0),
        "character n-grams alone": score(x[test], np.zeros((test.sum(), 1)), bag, 1.0),
        "keywords": np.array([float(len(rules.findall(t))) for t in shown]),
        "length": np.array([float(len(t)) for t in shown]),
    }
    if alone:
        del every["embedding alone"], every["character n-grams alone"]
    for title, values in every.items():
        low, high = interval(y[test], values, held)
        print(f"| {title} | {auroc(y[test], values):.3f} | {low:.3f} to {high:.3f} |")
    said, bad = head >= 0.5, y[test] == 1
    print(f"at 0.5: {said[bad].mean():.3f} of {int(bad.sum())} found,"
          f" {said[~bad].mean():.3f} of {int((~bad).sum())} hit wrongly")  # fmt: skip
    _ordinary(name, embedder)
    if alone:
        return
    folds = np.array([random.Random(f"{SEED}-fold-{g}").randrange(5) for g in groups])
    left_out = np.zeros(len(y))
    for fold in range(5):
        rest, out = folds != fold, folds == fold
        beta = trained(rest, penalty, weight)
        left_out[out] = score(x[out], dense[out], beta, weight)
    low, high = interval(y, left_out, groups)
    print(f"| five folds, each left out in turn, n = {len(y)} | {auroc(y, left_out):.3f}"
          f" | {low:.3f} to {high:.3f} |")  # fmt: skip


def _ordinary(name: str, embedder: Embedder) -> None:
    """How often ordinary text reaches 0.5."""
    for title, texts in ordinary().items():
        hit = np.array(Head(name).chances(texts, embedder))
        print(f"ordinary text, {title}, n = {len(hit)}: {np.mean(hit >= 0.5):.3f} at 0.5,"
              f" {np.mean(hit >= 0.9):.3f} at 0.9")  # fmt: skip


def main() -> None:
    embedder = Embedder(cache_size=40_000)
    for name in sys.argv[1:] or sorted(KEYWORDS):
        measure(name, embedder)


if __name__ == "__main__":
    main()
