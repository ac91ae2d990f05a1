"""An LLM judge on human labels: AUROC with an interval by groups, beside word overlap.

`ASSAY_BENCH_DATA=... python -m bench.judge_quality [--model PATH] [--rows N]`. Also the prior of
its labels over the rows of HaluEval that are kept for it, without their labels.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

import numpy as np

from bench.data import Row, overlap, rows
from evaluators.judges import loading, prompt
from evaluators.judges.torch_lm import TorchJudge
from evaluators.metrics.llm_judge import LlmJudge
from schemas.estimates.agreement import agreement
from schemas.models import Sample

SEED = 20261126
SHARES = {"begin": 1.0, "fever_symmetric": 1.0, "factcheck_stance": 0.7, "wice": 0.3}
PRIOR = 24  # rows of HaluEval dialogue


def drawn(name: str, count: int) -> list[Row]:
    """Half of each label where there are enough, drawn by seed."""
    made = [row for row in rows(name) if row["context"] and row["claim"]]
    random.Random(f"{SEED}-{name}").shuffle(made)
    half = count // 2
    return [row for label in (0, 1) for row in [r for r in made if r["label"] == label][:half]]


def sample(row: Row) -> Sample:
    return Sample("", str(row["id"]), "", "", 0, row.get("question") or "", row["claim"],
                  (row["context"],))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="an LLM judge on human labels")
    parser.add_argument("--model", type=Path, default=loading.packaged())
    parser.add_argument("--rows", type=int, default=200, help="of the short sets; others get fewer")
    asked = parser.parse_args()
    backend = TorchJudge(asked.model)
    judge = LlmJudge(backend)
    print(f"llm_judge {judge.version}: {dict(backend.spec)}; seed {SEED}\n")
    print(
        "| set | n | groups | not scored | AUROC | 95% by group | word overlap"
        " | said |\n|---|---|---|---|---|---|---|---|"
    )
    for name, share in SHARES.items():
        found = drawn(name, int(asked.rows * share))
        results = judge.evaluate([sample(row) for row in found])
        kept = [(r, row) for r, row in zip(results, found, strict=True) if r.status == "scored"]
        scores = np.array([r.value for r, _ in kept])
        labels = np.array([float(row["label"]) for _, row in kept])
        plain = np.array([overlap(row["claim"], row["context"]) for _, row in kept])
        units = [str(row["group"]) for _, row in kept]
        ours, base = agreement(scores, labels, units), agreement(plain, labels, units)
        said = "**uninformative**" if ours.uninformative else f"kappa {ours.kappa.value:.2f}"
        lost = Counter(r.reason.split(":")[0] for r in results if r.status != "scored")
        print(f"| {name} | {len(found)} | {ours.units} | {dict(lost) or 0} | {ours.auroc.value:.3f}"
              f" | {ours.auroc.low:.3f} to {ours.auroc.high:.3f} | {base.auroc.value:.3f} | {said};"
              f" mean score {scores.mean():.3f} |", flush=True)  # fmt: skip
    frozen = rows("halueval_dialogue")
    random.Random(SEED).shuffle(frozen)
    asked_of = [prompt.question(sample(row)) for row in frozen[:PRIOR]]
    leanings = [each for each in backend.leanings(asked_of) if each is not None]
    mean = np.mean(leanings, axis=0)
    told = ", ".join(f"{n} {m:.4f}" for (n, _), m in zip(prompt.LABELS, mean, strict=True))
    print(f"\nprior over {len(leanings)} rows of HaluEval dialogue: {told}")


if __name__ == "__main__":
    main()
