"""`python -m bench.demo --seeds 20`: are the demo's regressions found, and quiet ones silent?

The monitor part of `assay demo`, in process: plans of examples/demo_traffic (the seed draws
segment, onset, effect, or healthy traffic), the shipped groundedness scores of their answers, the
48-hour search at the level that monitors use, and the alert as it would be posted. No store, no
collector, no worker, and of the demo's three evaluators groundedness only. Right: one confirmed
finding with the segment and an onset within two hours, and one alert whose body names segment,
onset and share; where nothing was injected: no alert at all.
"""

from __future__ import annotations

import argparse
import json
import time

from bench.monitors import END, LEVEL, observed
from examples.demo_traffic.plan import HOUR, make_plan, quiet
from monitors.alerts.compose import finding_events
from monitors.alerts.message import read
from monitors.findings import score_finding
from schemas.alerting import AlertPolicy
from schemas.estimates.shares import wilson


def outcome(seed: int) -> tuple[bool, str]:
    """(right, what happened) for one seed."""
    plan = make_plan(seed, not quiet(seed), END)
    found = score_finding("demo", "groundedness", "1", observed(plan, seed, 0, 0), LEVEL)
    events = finding_events([found] if found else [], {"hook": AlertPolicy()}, {}, "http://ui", 0)
    sent = [read(p.row.body) for e in events for p in e.pending]
    truth = plan.regression
    if truth is None:
        return not sent, f"quiet: {len(sent)} alerts"
    if len(sent) != 1 or found is None:
        return False, f"{truth.segment}: {len(sent)} alerts"
    off = abs(found.onset * 10**6 - truth.onset_ns) / HOUR
    body = sent[0]
    told = bool(body.onset) and body.share_explained is not None and bool(body.examples)
    right = dict(body.segment) == truth.segment and off <= 2 and told
    words = f"{json.dumps(truth.segment)}: named {json.dumps(dict(body.segment))}, {off:.2f} h off"
    return right, f"{words}, share {body.share_explained:.0%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="the first")
    asked = parser.parse_args()
    begun, right, silent = time.monotonic(), 0, 0
    for seed in range(asked.seed, asked.seed + asked.seeds):
        good, words = outcome(seed)
        right, silent = right + good, silent + quiet(seed)
        print(f"seed {seed}: {'right' if good else 'WRONG'}; {words}", flush=True)
    low, high = wilson(right / asked.seeds, asked.seeds)
    print(f"{right} of {asked.seeds} right (95% interval {low:.2f} to {high:.2f}), {silent} of them"
          f" without a regression; naming nothing would be right in {silent};"
          f" {time.monotonic() - begun:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
