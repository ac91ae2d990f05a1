"""The gate's interval narrows with independent rows only, and says when it cannot say."""

from __future__ import annotations

import random

from evaluators.base import failed, scored
from evaluators.gate import FAILED, INCONCLUSIVE, PASSED, Gate, decide


def gate(values: list[float], clusters: list[str] | None = None) -> Gate:
    made = Gate()
    for i, value in enumerate(values):
        made.add(scored(value), clusters[i] if clusters else "")
    return made


def test_the_interval_holds_the_true_rate_nineteen_times_in_twenty() -> None:
    draw = random.Random(7)
    held = 0
    for _ in range(600):
        _, low, high = gate([float(draw.random() < 0.9) for _ in range(60)]).interval()
        held += low <= 0.9 <= high
    assert held >= 0.93 * 600


def test_repeated_rows_of_a_cluster_add_nothing() -> None:
    values = [0.0, 1.0] * 15
    alone = gate(values)
    repeated = gate([v for v in values for _ in range(4)], [str(i // 4) for i in range(120)])
    assert alone.effective() == 30
    assert 28 < repeated.effective() < 31


def test_errors_widen_the_interval_to_the_worst_case() -> None:
    made = gate([1.0] * 95)
    for _ in range(5):
        made.add(failed("timeout"))
    _, low, _ = made.interval()
    assert low < 0.95
    assert decide(made, 0.95)[0] == INCONCLUSIVE
    assert decide(made, 0.8)[0] == PASSED
    assert decide(gate([0.2] * 100), 0.8)[0] == FAILED


def test_nothing_scored_is_inconclusive() -> None:
    assert decide(Gate(), 0.5)[0] == INCONCLUSIVE
