"""Groundedness figures: `ASSAY_BENCH_DATA=... python -m bench.groundedness [--judge]`.

Prints AUROC with 95% intervals (bootstrap by group) on BEGIN, which no weight was fitted on, and
on the length-matched test groups of HaluEval dialogue, beside the word-overlap, shortness and
constant baselines. `--judge` adds the LLM judge on 100 BEGIN rows.
"""

from __future__ import annotations

import argparse
import random
import re
import time

import numpy as np

from bench.data import SEED, Row, auroc, interval, is_test, length_matched, rows
from evaluators.base import Evaluator, Resources
from evaluators.embedding import Embedder
from evaluators.metrics.groundedness import groundedness
from evaluators.metrics.llm_judge import llm_judge
from schemas.models import Sample


def sample(row: Row) -> Sample:
    """A labelled row as an evaluator sees it: without the label."""
    return Sample("", row["id"], "", "", 0, row["question"], row["claim"], (row["context"],))


def overlap(row: Row) -> float:
    """Share of the claim's words that stand in the context."""
    said = re.findall(r"\w+", row["claim"].lower())
    held = set(re.findall(r"\w+", row["context"].lower()))
    return sum(word in held for word in said) / max(1, len(said))


def line(title: str, found: list[Row], values: list[float], speed: str = "") -> None:
    """Print one row of the table."""
    label = np.array([row["label"] for row in found])
    score = np.array(values, dtype=float)
    low, high = interval(label, score, [row["group"] for row in found])
    value = f"{auroc(label, score):.3f}"
    print("|", " | ".join([title, str(len(found)), value, f"{low:.3f} to {high:.3f}", speed]), "|")


def judged(evaluator: Evaluator, found: list[Row]) -> tuple[list[float], str]:
    """Scores (0.5 where there is no verdict) and traces per second."""
    evaluator.evaluate([sample(found[0])])
    start = time.perf_counter()
    results = evaluator.evaluate([sample(row) for row in found])
    rate = len(found) / (time.perf_counter() - start)
    lost = sum(result.status != "scored" for result in results)
    values = [r.value if r.status == "scored" else 0.5 for r in results]
    return values, f"{rate:.0f}/s" + (f", {lost} without a verdict" if lost else "")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--judge", action="store_true", help="also the LLM judge, 100 rows")
    asked = options.parse_args()
    resources = Resources(Embedder())
    evaluator = groundedness(resources)
    begin = rows("begin")
    halueval = length_matched([row for row in rows("halueval_dialogue") if is_test(row)])
    sets = [(f"begin {d}", [r for r in begin if r["domain"] == d]) for d in ("wow", "tc", "cmu")]
    print(f"seed {SEED}, evaluator version {evaluator.version}\n")
    print("| set, score | n | AUROC | 95% interval | speed |\n|---|---|---|---|---|")
    for name, found in [*sets, ("halueval_dialogue length-matched", halueval)]:
        line(f"{name}, groundedness", found, *judged(evaluator, found))
        line(f"{name}, word overlap", found, [overlap(row) for row in found])
        line(f"{name}, shortness", found, [-float(len(row["claim"])) for row in found])
        line(f"{name}, constant", found, [0.5] * len(found))
    if asked.judge:
        judge = llm_judge(resources)
        few = random.Random(SEED).sample(sets[0][1], 100)
        if judge is None:
            print("llm_judge: its model's package is not installed")
            return
        line("begin wow, llm_judge", few, *judged(judge, few))
        line("begin wow, groundedness on the same rows", few, *judged(evaluator, few))


if __name__ == "__main__":
    main()
