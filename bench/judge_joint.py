"""Several rubrics on one sample, together and each by itself: tokens that go through the model, and
time.

`python -m bench.judge_joint [--model PATH] [--samples N] [--words N] [--threads N]`. Four rubrics
that ship with Assay, on answers of so many random words; fp32. Scores are read whatever mass lies
on the labels: to random words a small model seldom answers with one.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from evaluators import joint, ready
from evaluators.base import Result, judge
from evaluators.judges import loading, verdict
from evaluators.judges.torch_lm import Setup, TorchJudge
from evaluators.rubrics import Rubric
from schemas.models import Sample

SEED = 20261126
NAMES = ("judged_bias", "judged_completeness", "judged_conciseness", "judged_helpfulness")
WORDS = ("tower", "river", "house", "was", "built", "old", "people", "often", "while", "near")


def samples(count: int, size: int) -> list[Sample]:
    draw = random.Random(SEED)
    return [
        Sample("", f"t{n}", "", "", 0, " ".join(draw.choices(WORDS, k=12)) + "?",
               " ".join(draw.choices(WORDS, k=size)) + ".", ())
        for n in range(count)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="several rubrics on one sample")
    parser.add_argument("--model", type=Path, default=loading.packaged())
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--words", type=int, default=300)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    verdict.MASS_FLOOR = 0.0
    backend = TorchJudge(asked.model, setup=Setup("cpu", "float32"))
    engine = backend._loaded[1][0]
    seen = samples(asked.samples, asked.words)
    policies = {name: ready.rubrics()[name] for name in NAMES}
    first = [Rubric(n, replace(p, first="sample"), backend) for n, p in policies.items()]
    usual = [Rubric(n, replace(p, first="criteria"), backend) for n, p in policies.items()]

    def each(several: list[Rubric]) -> list[list[Result]]:
        return [judge(one, seen) for one in several]

    ways: dict[str, Callable[[], list[list[Result]]]] = {
        "sample first, together": lambda: joint.judged([(one, seen) for one in first]),
        "sample first, each rubric by itself": lambda: each(first),
        "criteria first, each rubric by itself": lambda: each(usual),
    }
    judge(first[0], seen[:1])
    print(f"{backend.model}, fp32, {asked.threads} threads, load average {os.getloadavg()[0]:.0f};"
          f" {len(first)} rubrics, {len(seen)} samples of {asked.words} words;"
          f" seed {SEED}\n")  # fmt: skip
    print("| way | tokens of prompts | computed | ratio | processor s | ratio | wall s |")
    print("|---|---|---|---|---|---|---|")
    told: dict[str, list[float]] = {}
    base: tuple[int, float] | None = None
    for title, work in ways.items():
        read, computed = engine.read, engine.computed
        wall, busy = time.perf_counter(), time.process_time()
        results = work()
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        read, computed = engine.read - read, engine.computed - computed
        base = base or (computed, busy)
        told[title] = [result.value for found in results for result in found]
        print(f"| {title} | {read:,} | {computed:,} | {computed / base[0]:.2f} | {busy:.1f}"
              f" | {busy / base[1]:.2f} | {wall:.1f} |", flush=True)  # fmt: skip
    one, other = (np.array(told[title]) for title in list(ways)[:2])
    apart = abs(one - other).max()
    print(f"\ngreatest difference of a score, together against by itself: {apart:.4f}"
          f" of {len(one)} (scores are kept to four digits)")  # fmt: skip


if __name__ == "__main__":
    main()
