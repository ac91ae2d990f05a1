"""`python -m bench.onsets`: does the 90% interval of an onset hold it, and how wide is it?

Demo plans (two days, 1,500 traces, sessions) with scores that are a base, a session effect and
noise; a segment drawn by the plan loses 0.15 to 0.45 from the drawn onset on, at once or over 1, 3
or 6 hours (the onset is then the beginning). Only findings with the right segment count, since
others have no true onset: that is the selection that the interval must bear. Baseline: the point
estimate with two hours on either side. Intervals are Wilson, 95%.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from functools import partial
from multiprocessing import Pool

import numpy as np

from bench.monitors import END
from examples.demo_traffic.plan import HOUR, make_plan
from monitors.findings import score_finding
from schemas.estimates.shares import wilson
from schemas.models import Observation

RAMPS = (0, 1, 3, 6)  # hours
LEVEL = 0.01  # of the finding; ten times that of monitors, for speed


def case(seed: int, ramp: int) -> tuple[float, float, float] | None:
    """(inside the interval, hours wide, inside two hours of the estimate), None if not found."""
    draw = np.random.default_rng(seed)
    plan = make_plan(seed, True, END)
    truth = plan.regression
    assert truth is not None
    effect = draw.uniform(0.15, 0.45)
    session = {t.session: draw.normal(0, 0.1) for t in plan.traces}
    rows = []
    for n, t in enumerate(plan.traces):
        value = 0.75 + session[t.session] + draw.normal(0, 0.2)
        if truth.segment.items() <= t.attributes.items() and t.start_ns >= truth.onset_ns:
            value -= effect * (min(1, (t.start_ns - truth.onset_ns) / (ramp * HOUR)) if ramp else 1)
        rows.append(Observation(f"t{n}", t.session, t.start_ns, float(value), t.attributes))
    found = score_finding("p", "g", "1", rows, LEVEL)
    if found is None or json.loads(found.segment) != truth.segment:
        return None
    low, high = (
        datetime.fromisoformat(x).timestamp() * 1e9
        for x in json.loads(found.details)["onset_interval"]
    )
    # Times in findings are text of microseconds.
    inside = low - 1e6 <= truth.onset_ns <= high + 1e6
    near = abs(found.onset * 10**6 - truth.onset_ns) <= 2 * HOUR
    return float(inside), (high - low) / HOUR, float(near)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=125, help="for each ramp")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    print("| ramp | found | interval holds the onset | median hours wide | estimate +- 2 h |\n"
          "|---|---|---|---|---|")  # fmt: skip
    every: list[tuple[float, float, float]] = []
    with Pool(asked.jobs) as pool:
        for ramp in RAMPS:
            seeds = range(
                asked.seed * 10**5 + ramp * 10**4, asked.seed * 10**5 + ramp * 10**4 + asked.runs
            )
            got = [x for x in pool.map(partial(case, ramp=ramp), seeds, 5) if x is not None]
            every += got
            _row(f"{ramp} h" if ramp else "none", got, asked.runs)
    _row("all", every, asked.runs * len(RAMPS))


def _row(name: str, got: list[tuple[float, float, float]], runs: int) -> None:
    held, wide, near = np.array(got).T
    cells = []
    for share in (held.mean(), near.mean()):
        low, high = wilson(float(share), len(got))
        cells.append(f"{share:.3f} ({low:.3f} to {high:.3f})")
    print(f"| {name} | {len(got)} of {runs} | {cells[0]} | {np.median(wide):.1f} | {cells[1]} |",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
