"""The labelled groundedness files and the statistics that every groundedness figure uses."""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

SEED = 20261123
Row = dict[str, Any]


def folder() -> Path:
    """The data folder named by ASSAY_BENCH_DATA; exits with a sentence when it is not set."""
    if not os.environ.get("ASSAY_BENCH_DATA"):
        sys.exit("set ASSAY_BENCH_DATA to the folder that holds groundedness/*.jsonl")
    return Path(os.environ["ASSAY_BENCH_DATA"])


def rows(name: str) -> list[Row]:
    """Rows of one file: group, question, context, claim, label (1 supported, 0 not)."""
    with (folder() / "groundedness" / f"{name}.jsonl").open() as file:
        return [json.loads(line) for line in file]


def is_test(row: Row) -> bool:
    """Whether a row's group belongs to the test third, decided by the group alone."""
    return random.Random(f"{SEED}-{row['dataset']}-{row['group']}").random() < 1 / 3


def length_matched(found: list[Row], width: int = 8) -> list[Row]:
    """As many supported as unsupported rows in every bin of claim length (`width` characters)."""
    bins: dict[int, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in found:
        bins[len(row["claim"]) // width][row["label"]].append(row)
    kept: list[Row] = []
    for key in sorted(bins):
        draw = random.Random(f"{SEED}-{key}")
        n = min(map(len, bins[key]))
        for side in bins[key]:
            kept += draw.sample(side, n)
    return kept


def overlap(claim: str, context: str) -> float:
    """Share of the claim's words that stand in the context."""
    said = re.findall(r"\w+", claim.lower())
    held = set(re.findall(r"\w+", context.lower()))
    return sum(word in held for word in said) / max(1, len(said))


def auroc(label: NDArray[np.int64], score: NDArray[np.float64]) -> float:
    """Chance that a supported row scores above an unsupported one; ties count a half."""
    ranks = rankdata(score)
    positive = int(label.sum())
    negative = len(label) - positive
    if not positive or not negative:
        return float("nan")
    return float((ranks[label == 1].sum() - positive * (positive + 1) / 2) / positive / negative)


def interval(
    label: NDArray[np.int64], score: NDArray[np.float64], groups: list[str], rounds: int = 500
) -> tuple[float, float]:
    """95% bootstrap interval of the AUROC; whole groups are drawn, not rows."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    lists = [np.array(m) for m in members.values()]
    draw = np.random.default_rng(SEED)
    values = []
    for _ in range(rounds):
        index = np.concatenate([lists[i] for i in draw.integers(len(lists), size=len(lists))])
        values.append(auroc(label[index], score[index]))
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
