"""Pairwise preference on human-labelled pairs: accuracy, flips, and the longer answer beside it.

`ASSAY_BENCH_DATA=... python -m bench.judge_pairs [--model PATH] [--rows N]`. LLMBar has one label a
pair; of PandaLM the pairs count where at least two of three annotators prefer the same answer.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.data import folder
from evaluators.judges import loading
from evaluators.judges.pairwise import Pair, prefer
from evaluators.judges.torch_lm import TorchJudge

SEED = 20261126


@dataclass(frozen=True, slots=True)
class Labelled:
    """`first`: people prefer the first answer."""

    pair: Pair
    first: bool


def llmbar(part: str) -> list[Labelled]:
    made = []
    for line in (folder() / "judges" / "llmbar.jsonl").open():
        row = json.loads(line)
        if row["dataset"].endswith(part):
            pair = Pair(row["input"], row["output_1"], row["output_2"])
            made.append(Labelled(pair, str(row["preferred"]) == "1"))
    return made


def pandalm() -> list[Labelled]:
    made = []
    for line in (folder() / "judges" / "pandalm.jsonl").open():
        row = json.loads(line)
        votes = Counter(str(row[f"annotator{n}"]) for n in (1, 2, 3))
        choice, count = votes.most_common(1)[0]
        if choice in {"1", "2"} and count >= 2:
            request = "\n".join(each for each in (row["instruction"], row["input"]) if each)
            made.append(Labelled(Pair(request, row["response1"], row["response2"]), choice == "1"))
    return made


def share(right: list[float]) -> str:
    """A mean with its 95% bootstrap interval over pairs."""
    if not right:
        return "none"
    values = np.array(right)
    draws = np.random.default_rng(SEED).choice(values, (2000, len(values))).mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f}, n={len(values)})"


def main() -> None:
    parser = argparse.ArgumentParser(description="pairwise preference on human-labelled pairs")
    parser.add_argument("--model", type=Path, default=loading.packaged())
    parser.add_argument("--rows", type=int, default=100, help="pairs of each set, drawn by seed")
    asked = parser.parse_args()
    judge = TorchJudge(asked.model)
    print(f"{dict(judge.spec)}; seed {SEED}; a tie counts a half\n")
    print("| set | accuracy | ties by flips | accuracy where the worse is longer | longer answer |")
    print("|---|---|---|---|---|")
    sets = {"LLMBar Natural": llmbar("Natural"), "LLMBar GPTInst": llmbar("GPTInst"),
            "PandaLM": pandalm()}  # fmt: skip
    for name, found in sets.items():
        random.Random(f"{SEED}-{name}").shuffle(found)
        found = found[: asked.rows]
        results = prefer(judge, [each.pair for each in found])
        kept = [(e, r.value) for e, r in zip(found, results, strict=True) if r.status == "scored"]
        right = [0.5 if v == 0.5 else float((v > 0.5) == e.first) for e, v in kept]
        ties = [float(v == 0.5) for _, v in kept]
        sizes = [(len(e.pair.first), len(e.pair.second)) for e, _ in kept]
        longer = [0.5 if a == b else float((a > b) == e.first)
                  for (e, _), (a, b) in zip(kept, sizes, strict=True)]  # fmt: skip
        hard = [r for r, one in zip(right, longer, strict=True) if one == 0]
        lost = len(found) - len(kept)
        print(f"| {name} ({lost} without a verdict) | {share(right)} | {np.mean(ties):.1%}"
              f" | {share(hard)} | {share(longer)} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
