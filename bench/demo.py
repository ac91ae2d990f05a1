"""`python -m bench.demo --seeds 20`: are the demo's regressions found, and quiet ones silent?

The monitor part of `assay demo`, in process: plans of examples/demo_traffic (the seed draws
segment, onset, effect, or healthy traffic), the shipped groundedness and answer relevance of their
answers, the 48-hour search at the level that monitors use, and the alert as it would be posted. No
store, no collector, no worker. Right: one finding of groundedness with the segment and an onset
within two hours, and one alert of it whose body names segment, onset and share; where nothing was
injected: no alert at all. Answers that are not grounded are nearer to their questions here, so an
injected regression raises answer relevance too, though seldom enough to be found; where it is, its
segment is printed beside what it would be without groundedness, at the demo's level and at .05.
"""

from __future__ import annotations

import argparse
import json
import time

from bench.monitors import END, LEVEL, observed
from examples.demo_traffic.plan import HOUR, make_plan, quiet
from monitors.alerts.compose import finding_events
from monitors.alerts.message import read
from monitors.findings import Scored, score_findings
from schemas.alerting import AlertPolicy
from schemas.estimates.shares import wilson

MILD = 0.05  # level at which more rises of answer relevance are looked at
SIGNALS = ("groundedness", "answer_relevance")


def outcome(seed: int) -> tuple[bool, str, list[tuple[bool, bool]]]:
    """(right, what happened, of a rise of answer relevance found at MILD whether its segment is
    right beside groundedness and alone)."""
    plan = make_plan(seed, not quiet(seed), END)
    given = [Scored(name, "1", observed(plan, seed, 0, 0, name)) for name in SIGNALS]
    found = score_findings("demo", given, LEVEL, page=True)
    events = finding_events(found, {"hook": AlertPolicy()}, {}, "http://ui", 0)
    sent = [read(p.row.body) for e in events for p in e.pending]
    truth = plan.regression
    if truth is None:
        return not sent, f"quiet: {len(sent)} alerts", []
    relevance = []
    both = score_findings("demo", given, MILD)
    for rose in (f for f in both if f.signal == "answer_relevance"):
        alone = score_findings("demo", given[1:], MILD)
        relevance.append((json.loads(rose.segment) == truth.segment,
                          json.loads(alone[0].segment) == truth.segment))  # fmt: skip
    main_one = next((f for f in found if f.signal == "groundedness"), None)
    if main_one is None:
        return False, f"{truth.segment}: {len(sent)} alerts", relevance
    off = abs(main_one.onset * 10**6 - truth.onset_ns) / HOUR
    body = next(b for b, f in zip(sent, found, strict=True) if f is main_one)
    told = bool(body.onset) and body.share_explained is not None and bool(body.examples)
    right = all(dict(b.segment) == truth.segment for b in sent) and off <= 2 and told
    words = f"{json.dumps(truth.segment)}: named {json.dumps(dict(body.segment))}, {off:.2f} h off"
    others = "".join(f", {f.signal} in {f.segment}" for f in found if f is not main_one)
    return right, f"{words}, share {body.share_explained:.0%}{others}", relevance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="the first")
    asked = parser.parse_args()
    begun, right, silent = time.monotonic(), 0, 0
    rises: list[tuple[bool, bool]] = []
    for seed in range(asked.seed, asked.seed + asked.seeds):
        good, words, rose = outcome(seed)
        rises += rose
        right, silent = right + good, silent + quiet(seed)
        print(f"seed {seed}: {'right' if good else 'WRONG'}; {words}", flush=True)
    low, high = wilson(right / asked.seeds, asked.seeds)
    print(f"{right} of {asked.seeds} right (95% interval {low:.2f} to {high:.2f}), {silent} of them"
          f" without a regression; naming nothing would be right in {silent};"
          f" {time.monotonic() - begun:.0f} s")  # fmt: skip
    print(f"answer relevance found to rise at {MILD} in {len(rises)}: segment right in"
          f" {sum(a for a, _ in rises)}, by itself in {sum(b for _, b in rises)}")  # fmt: skip


if __name__ == "__main__":
    main()
