"""Answer correctness against human verdicts: `ASSAY_BENCH_DATA=... python -m bench.correctness`.

EVOUNA (Natural Questions): five systems' answers to 1,805 questions, judged by people. Gold answers
that are alternatives ("a/b") are tried one by one, and the best counts. Resampled by question.
"""

from __future__ import annotations

import json

import numpy as np

from bench.data import folder
from evaluators.metrics.answer_correctness import compare
from schemas.estimates.agreement import agreement

SYSTEMS = ("fid", "gpt35", "chatgpt", "gpt4", "newbing")


def main() -> None:
    """One line per score."""
    path = folder() / "answer_correctness" / "evouna_nq.jsonl"
    labels, units = [], []
    found: dict[str, list[float]] = {"answer_correctness": [], "token F1": [], "shortness": []}
    for number, line in enumerate(path.read_text().splitlines()):
        row = json.loads(line)
        for system in SYSTEMS:
            answer, verdict = row[f"answer_{system}"], row[f"judge_{system}"]
            if verdict is None:
                continue
            every = [compare(answer, gold) for gold in row["golden_answer"].split("/")]
            found["answer_correctness"].append(max(recall for recall, _, _ in every))
            found["token F1"].append(max(f1 for _, f1, _ in every))
            found["shortness"].append(1 / (1 + len(answer)))
            labels.append(float(verdict))
            units.append(str(number))
    print(f"{len(labels)} answers to {len(set(units))} questions, {np.mean(labels):.3f} correct")
    for name, values in found.items():
        made = agreement(np.array(values), np.array(labels), units)
        area, kappa = made.auroc, made.kappa
        print(f"| {name} | {area.value:.3f} | {area.low:.3f} to {area.high:.3f} |"
              f" {kappa.value:.3f} | {kappa.low:.3f} to {kappa.high:.3f} |")  # fmt: skip


if __name__ == "__main__":
    main()
