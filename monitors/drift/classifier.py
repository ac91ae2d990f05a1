"""Classifier two-sample test: can a ridge regression tell the windows apart, out of fold?"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from monitors.drift.two_sample import Answer, Pair, chance
from monitors.windows import Floats
from schemas.registry import register

FOLDS = 5
RIDGE = 1.0


@register("two_sample", "classifier")
def classifier(of: Pair, seed: int = 0, permutations: int = 999) -> Answer:
    """AUC of out-of-fold scores (0.5: none), folds by session, refitted for every permutation; a
    ridge regression is linear in its labels, so that a refit is one product. Effect: AUC - 0.5.
    Exact for exchangeable sessions (Lopez-Paz and Oquab, arXiv 1610.06545)."""
    draw = np.random.default_rng(seed)
    sessions = int(of.session.max()) + 1
    fold = (draw.permutation(sessions) % min(FOLDS, sessions))[of.session]
    wide = of.values.std(0)
    scaled = (of.values - of.values.mean(0)) / np.where(wide > 0, wide, 1)
    x = np.column_stack([scaled, np.ones(len(scaled))])
    maps = []
    for k in np.unique(fold):
        train, test = x[fold != k], x[fold == k]
        gram = train.T @ train + RIDGE * x.shape[1] * np.eye(x.shape[1])
        maps.append((fold == k, fold != k, test @ np.linalg.solve(gram, train.T)))

    def auc(side: Floats) -> Floats:
        score = np.zeros_like(side)
        for test, train, fitted in maps:
            label = side[train]
            # Centred by fold: a fold's share of labels must not order its scores.
            guess = fitted @ (label - label.mean(0))
            score[test] = guess - guess.mean(0)
        ranks = rankdata(score, axis=0)
        m = side.sum(0)
        n = len(side) - m
        return np.asarray(((ranks * side).sum(0) - m * (m + 1) / 2) / (n * m))

    seen, p = chance(of, auc, seed, permutations)
    return Answer(seen, p, seen - 0.5, "auc_above_half")
