"""Rules and canaries of assay.yaml are refused in words, and come back as they were written."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from schemas import control
from schemas.control import ControlError

FILE = """
evaluation:
  production answers:
    evaluators: [helpful, groundedness]
    project: shop
    service: [chat, search]
    attributes: {tenant: acme, beta: true, tier: 2}
    sample: 0.1
    budget: 5000
    level: session
    quiet: 60
canaries:
  helpful: {every: 6, margin: 0.05}
"""


def test_rules_are_read_and_survive_the_control_table() -> None:
    found = control.parse(FILE)
    state = control.state(found)
    rule = state.evaluation["production answers"]
    assert (rule.project, rule.service) == (("shop",), ("chat", "search"))
    assert rule.attributes == (("tenant", "acme"), ("beta", "true"), ("tier", "2"))
    assert state.canaries["helpful"].every == 6
    for (kind, name), each in found.items():
        stored = json.loads(json.dumps(asdict(each), sort_keys=True))
        assert control.policy(kind, stored, f"control {kind} {name}") == each


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("evaluation: {a: {}}", "a.evaluators must name the evaluators"),
        ("evaluation: {a: {evaluators: [x], model: [1]}}", "a.model must be a text or a list"),
        ("evaluation: {a: {evaluators: x, sample: 2}}", "a.sample: 2 must be a number from 0 to 1"),
        ("evaluation: {a: {evaluators: x, budget: 1.5}}", "1.5 must be a whole number"),
        ("evaluation: {a: {evaluators: x, level: day}}", "must be one of span, trace, session"),
        ("evaluation: {a: {evaluators: x, attributes: [t]}}", "must map names of attributes"),
        ("evaluation: {a: {evaluators: x, filter: y}}", "a.filter is not known; there are: eval"),
        ("evaluation: {a: {evaluators: x, enabled: 1}}", "must be true or false"),
        ("canaries: {a: {every: 0}}", "a.every: 0 must be a number from 0.25 to 720"),
        ("canaries: {a: {hours: 1}}", "a.hours is not known"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ControlError, match=said):
        control.parse(text)
