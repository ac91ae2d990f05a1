"""What the demo sends: recorded answers over two days, with one regression or none.

A seed draws segment, moment and size. Answers are matched in length between good and bad ones,
so that no score can tell them by length.
"""

from __future__ import annotations

import gzip
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path

HOUR = 3600 * 10**9
SPAN = 48 * HOUR
ATTRIBUTES: dict[str, dict[str, float]] = {
    "prompt_version": {"v1": 0.36, "v2": 0.34, "v3": 0.30},
    "model": {"gpt-4o-mini": 0.55, "claude-3-5-haiku": 0.45},
    "document_source": {"wiki": 0.40, "handbook": 0.33, "tickets": 0.27},
}
# Whose price list tells what the recorded answers would cost.
PROVIDERS = {"gpt-4o-mini": "openai", "claude-3-5-haiku": "anthropic"}
BASE_RATE = 0.1
PAIR_SHARE = 0.15  # of traffic, in the smallest segment of two attributes that may break


@dataclass(frozen=True, slots=True)
class Answer:
    question: str
    context: str
    claim: str
    label: int


@dataclass(frozen=True, slots=True)
class Regression:
    """From `onset_ns` on, inside `segment`, a share `rate` of answers is not grounded."""

    segment: dict[str, str]
    onset_ns: int
    rate: float


@dataclass(frozen=True, slots=True)
class Trace:
    start_ns: int
    session: str
    attributes: dict[str, str]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Plan:
    traces: list[Trace]
    regression: Regression | None


def answers() -> list[Answer]:
    """The recorded answers that the repository ships."""
    with gzip.open(Path(__file__).parent / "answers.jsonl.gz", "rt") as file:
        return [Answer(**json.loads(line)) for line in file]


def matched(found: list[Answer]) -> tuple[list[Answer], list[Answer]]:
    """(good, bad) with equal numbers in every length bin of 20 characters."""
    bins: dict[int, tuple[list[Answer], list[Answer]]] = {}
    for answer in found:
        bins.setdefault(len(answer.claim) // 20, ([], []))[1 - answer.label].append(answer)
    good: list[Answer] = []
    bad: list[Answer] = []
    for a, b in bins.values():
        n = min(len(a), len(b))
        good += a[:n]
        bad += b[:n]
    return good, bad


def _regression(draw: random.Random, start_ns: int) -> Regression:
    names = sorted(ATTRIBUTES)
    chosen = draw.sample(names, draw.choice([1, 1, 2]))
    segment = {name: draw.choice(sorted(ATTRIBUTES[name])) for name in sorted(chosen)}
    if math.prod(ATTRIBUTES[k][v] for k, v in segment.items()) < PAIR_SHARE:
        segment.popitem()
    onset = start_ns + round(SPAN * draw.uniform(0.45, 0.7))
    return Regression(segment, onset, draw.uniform(0.75, 0.95))


def quiet(seed: int) -> bool:
    """Whether this seed, where a person asks for one, draws healthy traffic: one in five does."""
    return random.Random(f"quiet {seed}").random() < 0.2


def make_plan(seed: int, regression: bool, end_ns: int, traces: int = 1500) -> Plan:
    """The same seed, the same plan; times end at `end_ns`."""
    draw = random.Random(seed)
    good, bad = matched(answers())
    start = end_ns - SPAN
    broken = _regression(draw, start) if regression else None
    result: list[Trace] = []
    session = 0
    while len(result) < traces:
        session += 1
        at = start + round(SPAN * draw.random())
        hour = at / HOUR % 24
        if draw.random() > 0.65 + 0.35 * math.sin((hour - 8) / 24 * 2 * math.pi):
            continue
        found = {
            name: draw.choices(list(shares), list(shares.values()))[0]
            for name, shares in ATTRIBUTES.items()
        }
        for turn in range(min(draw.choice([1, 1, 2, 3]), traces - len(result))):
            when = min(at + turn * 40 * 10**9, end_ns - 20 * 10**9)
            inside = (
                broken is not None
                and when >= broken.onset_ns
                and all(found[k] == v for k, v in broken.segment.items())
            )
            rate = broken.rate if inside and broken is not None else BASE_RATE
            pool = bad if draw.random() < rate else good
            result.append(Trace(when, f"session-{session}", found, draw.choice(pool)))
    result.sort(key=lambda t: t.start_ns)
    return Plan(result, broken)
