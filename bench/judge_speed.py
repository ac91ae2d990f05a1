"""The judge engine against generate(), on the same model, dtype, tokens and threads, in one run.

`python -m bench.judge_speed [--model PATH] [--samples N] [--threads N] [--no-curve]`. A verdict by
generate() is a JSON object of 30 tokens, greedy; ours is read from the label logits.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from evaluators.judges import loading
from evaluators.judges.engine import Engine
from evaluators.judges.labels import spellings

SEED = 20261126
SHARED, OWN, REPLY = 250, 150, 30
HEAD = "| {} | wall s | processor s | wall, ratio to ours | processor |\n|---|---|---|---|---|"
CURVE = (50, 150, 500, 1000, 2000)


def prompts(count: int, shared: int, own: int, words: int) -> list[list[int]]:
    """Random tokens: neither way is faster with one text than with another."""
    draw = random.Random(SEED)
    begun = [draw.randrange(100, words) for _ in range(shared)]
    return [[*begun, *(draw.randrange(100, words) for _ in range(own))] for _ in range(count)]


def generate(model: Any, asked: Sequence[list[int]]) -> None:
    """One batch: REPLY tokens behind each prompt (all of one length, so nothing is padded)."""
    ids = torch.tensor(asked)
    with torch.inference_mode():
        model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=REPLY,
            min_new_tokens=REPLY, do_sample=False, pad_token_id=0,
        )  # fmt: skip


def one_by_one(model: Any, prompts: list[list[int]]) -> None:
    """Each prompt alone."""
    for prompt in prompts:
        generate(model, [prompt])


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Of the wall, and of the processor: a machine that others use slows the first alone."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - busy


def main() -> None:
    parser = argparse.ArgumentParser(description="the judge engine against generate()")
    parser.add_argument("--model", type=Path, default=loading.packaged())
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--no-curve", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    tokenizer, model = loading.load(asked.model, "cpu", "float32")
    spelled = spellings(tokenizer, ("Yes", "No"), "<|im_start|>assistant\n")
    engine = Engine(model)

    def ours(made: Sequence[list[int]]) -> None:
        engine.chances(made, [spelled] * len(made))

    words = model.config.vocab_size
    made = prompts(asked.samples, SHARED, OWN, words)
    ours(made[:2])
    generate(model, made[:1])
    first = seconds(lambda: ours(made))
    batched = seconds(lambda: generate(model, made))
    again = seconds(lambda: ours(made))
    single = seconds(lambda: one_by_one(model, made))
    last = seconds(lambda: ours(made))
    load = os.getloadavg()[0]
    print(f"{asked.model.name}, fp32, {asked.threads} threads, load average {load:.0f};"
          f" {len(made)} samples of {SHARED} + {OWN} tokens; seed {SEED}\n")  # fmt: skip
    mean = [sum(each) / 3 for each in zip(first, again, last, strict=True)]
    print(HEAD.format("way"))
    print(f"| ours, mean of three | {mean[0]:.1f} | {mean[1]:.1f} | | |")
    for title, took in (("generate(), one batch", batched), ("generate(), one by one", single)):
        _row(title, took, mean)
    if asked.no_curve:
        return
    few = asked.samples // 2
    print(f"\n{SHARED} shared tokens, {few} samples, generate() in one batch\n")
    print(HEAD.format("own tokens"))
    for own in CURVE:
        some = prompts(few, SHARED, own, words)
        theirs = seconds(lambda f=some: generate(model, f))  # type: ignore[misc]
        _row(str(own), theirs, seconds(lambda f=some: ours(f)))  # type: ignore[misc]


def _row(title: str, theirs: Sequence[float], mine: Sequence[float]) -> None:
    wall, busy = theirs[0] / mine[0], theirs[1] / mine[1]
    print(f"| {title} | {theirs[0]:.1f} | {theirs[1]:.1f} | {wall:.1f} | {busy:.1f} |", flush=True)


if __name__ == "__main__":
    main()
