"""RAGAS faithfulness, a verdict read from label logits and the shipped groundedness model on the
same answers: time a sample, and what came of each.

`ASSAY_BENCH_DATA=... python -m bench.judge_ragas [--model PATH] [--rows N] [--threads N]`. The
first two ask the same local model in fp32: RAGAS writes statements and verdicts token by token,
ours reads one forward pass. Rows of BEGIN with human labels, drawn by seed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from pathlib import Path

import torch

from bench.judge_quality import SEED, drawn, sample
from evaluators import ready
from evaluators.base import Evaluator, Resources, judge
from evaluators.embedding import Embedder
from evaluators.judges import loading
from evaluators.judges.torch_lm import Setup, TorchJudge
from evaluators.metrics.groundedness import groundedness
from evaluators.metrics.llm_judge import LlmJudge


def main() -> None:
    parser = argparse.ArgumentParser(description="RAGAS faithfulness beside our verdicts")
    parser.add_argument("--model", type=Path, default=loading.packaged())
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    backend = TorchJudge(asked.model, setup=Setup("cpu", "float32"))
    seen = [sample(row) for row in drawn("begin", asked.rows)]
    embedder = Embedder()
    ways: dict[str, Evaluator] = {
        "llm_judge, label logits": LlmJudge(backend),
        "ragas_faithfulness": ready.make("ragas_faithfulness", backend, embedder, {}),
        "groundedness, as shipped": groundedness(Resources(embedder)),
    }
    print(f"{backend.model}, fp32, {asked.threads} threads, load average {os.getloadavg()[0]:.0f};"
          f" {len(seen)} rows of BEGIN; seed {SEED}\n")  # fmt: skip
    print("| way | processor s a sample | ratio | wall s a sample | what came of them |")
    print("|---|---|---|---|---|")
    base = 0.0
    for title, evaluator in ways.items():
        judge(evaluator, seen[:1])  # loads what it needs
        wall, busy = time.perf_counter(), time.process_time()
        results = judge(evaluator, seen)
        wall, busy = (time.perf_counter() - wall) / len(seen), (time.process_time() - busy)
        busy /= len(seen)
        base = base or busy
        came = Counter(f"{r.status} {r.reason.partition(':')[0]}".strip() for r in results)
        said = ", ".join(f"{count} {what}" for what, count in came.most_common())
        print(f"| {title} | {busy:.2f} | {busy / base:.1f} | {wall:.2f} | {said} |", flush=True)


if __name__ == "__main__":
    main()
