"""How often monitors alarm on quiet traffic, and how often they name the right segment and moment.

`python -m bench.monitors --runs 200`: plans of examples/demo_traffic with the shipped groundedness
scores (human-labelled answers), no store in between. `session` and `hour` add one normal draw per
session or hour to every score (standard deviation 0.15 and 0.05): quiet traffic need not be
independent. The baseline is a two-sample t-test of the last against the first day over all traffic.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial

import numpy as np

from evaluators.embedding import Embedder
from evaluators.metrics.answer_relevance import AnswerRelevance
from evaluators.metrics.groundedness import Groundedness, groundedness
from examples.demo_traffic.plan import HOUR, Answer, Plan, answers, make_plan
from monitors.findings import score_finding
from schemas.control import MonitorPolicy
from schemas.estimates.shares import wilson
from schemas.models import Observation, Sample

END = 1_800_000_000 * 10**9
SIGNALS = 5
LEVEL = MonitorPolicy().alpha / SIGNALS
NOISE = {"as recorded": (0.0, 0.0), "session": (0.15, 0.0), "hour": (0.0, 0.05)}


@cache
def scored(evaluator: str) -> dict[Answer, float]:
    """The shipped scores of the recorded answers: groundedness or answer_relevance."""
    known = answers()
    samples = [Sample("p", "", "", "", 0, a.question, a.claim, (a.context,)) for a in known]
    judge: AnswerRelevance | Groundedness
    if evaluator == "groundedness":
        judge = groundedness(None)  # type: ignore[arg-type]  # it uses no resources
    else:
        judge = AnswerRelevance(Embedder(cache_size=2 * len(known)))
    return dict(zip(known, (r.value for r in judge.evaluate(samples)), strict=True))


def observed(
    plan: Plan, seed: int, session: float, hour: float, evaluator: str = "groundedness"
) -> list[Observation]:
    """What the store would return for a plan: scores in [0, 1] plus the asked effects."""
    known, draw = scored(evaluator), np.random.default_rng(seed)
    sessions = {t.session: draw.normal(0, session) for t in plan.traces}
    hours = draw.normal(0, hour, 10**6)
    return [
        Observation(
            f"t{n}", t.session, t.start_ns,
            known[t.answer] + sessions[t.session] + hours[t.start_ns // HOUR % 10**6],
            t.attributes,
        )
        for n, t in enumerate(plan.traces)
    ]  # fmt: skip


def outcome(seed: int, noise: tuple[float, float], regression: bool, traces: int) -> str:
    """silent | wrong segment | wrong onset | found (or 'alarm' where nothing was injected)."""
    plan = make_plan(seed, regression, END, traces)
    found = score_finding("p", "g", "1", observed(plan, seed, *noise), LEVEL, page=True)
    if found is None or found.status != "confirmed":
        return "silent"
    if plan.regression is None:
        return "alarm"
    if json.loads(found.segment) != plan.regression.segment:
        return "wrong segment"
    late = abs(found.onset * 10**6 - plan.regression.onset_ns) > 2 * HOUR
    return "wrong onset" if late else "found"


def baseline(seed: int, noise: tuple[float, float], regression: bool, traces: int) -> str:
    """|t| of the second against the first day at the same level: it names no segment."""
    rows = observed(make_plan(seed, regression, END, traces), seed, *noise)
    late = np.array([r.time >= END - 24 * HOUR for r in rows])
    value = np.array([r.value for r in rows])
    a, b = value[~late], value[late]
    t = abs(a.mean() - b.mean()) / math.sqrt(a.var() / len(a) + b.var() / len(b))
    p = math.erfc(t / math.sqrt(2))
    return "alarm" if p <= LEVEL else "silent"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--traces", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1, help="first of the plans' seeds")
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    begun = time.monotonic()
    print("| traffic | effects | method | outcome | share | 95% interval |")
    print("|---|---|---|---|---|---|")
    with ProcessPoolExecutor() as pool:
        for regression in (False, True):
            for name, noise in NOISE.items():
                for method in (outcome, baseline):
                    ask = partial(
                        method, noise=noise, regression=regression, traces=arguments.traces
                    )
                    for what, hits in sorted(Counter(pool.map(ask, seeds, chunksize=10)).items()):
                        low, high = wilson(hits / arguments.runs, arguments.runs)
                        print(
                            f"| {'regression' if regression else 'quiet'} | {name} |"
                            f" {'Assay' if method is outcome else 't-test, no segments'} | {what} |"
                            f" {hits / arguments.runs:.3f} | {low:.3f} to {high:.3f} |",
                            flush=True,
                        )
    print(f"\n{arguments.runs} seeds from {arguments.seed}, {arguments.traces} traces each, level"
          f" {LEVEL} per signal; {time.monotonic() - begun:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
