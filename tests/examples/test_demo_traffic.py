"""The demo's plan is reproducible, breaks only its segment, and sends no label."""

from __future__ import annotations

import random

from examples.demo_traffic.plan import BASE_RATE, HOUR, answers, make_plan, matched
from examples.demo_traffic.spans import request

END = 1_800_000_000 * 10**9


def test_the_same_seed_makes_the_same_plan() -> None:
    assert make_plan(3, True, END) == make_plan(3, True, END)
    assert make_plan(3, True, END) != make_plan(4, True, END)


def test_quality_falls_inside_the_segment_after_the_onset_and_nowhere_else() -> None:
    for seed in range(5):
        plan = make_plan(seed, True, END, 3000)
        broken = plan.regression
        assert broken is not None
        inside = [t for t in plan.traces if t.start_ns >= broken.onset_ns
                  and broken.segment.items() <= t.attributes.items()]  # fmt: skip
        rest = [t for t in plan.traces if t not in inside]
        assert len(inside) >= 60
        assert abs(sum(1 - t.answer.label for t in inside) / len(inside) - broken.rate) < 0.15
        assert abs(sum(1 - t.answer.label for t in rest) / len(rest) - BASE_RATE) < 0.03


def test_times_end_now_and_span_two_days() -> None:
    times = [t.start_ns for t in make_plan(1, True, END).traces]
    assert times[0] >= END - 48 * HOUR and times[-1] < END


def test_good_and_bad_answers_have_the_same_lengths() -> None:
    good, bad = matched(answers())
    assert len(good) == len(bad) > 300
    mean = [sum(len(a.claim) for a in pool) / len(pool) for pool in (good, bad)]
    assert abs(mean[0] - mean[1]) < 2


def test_no_span_carries_label_or_seed() -> None:
    body, count = request(make_plan(987654, True, END, 20).traces, random.Random(1))
    keys = {a.key for s in body.resource_spans[0].scope_spans[0].spans for a in s.attributes}
    assert count == 60
    assert not any("label" in key or "seed" in key for key in keys)
    assert b"987654" not in body.SerializeToString()
