"""The contract that every registered evaluator keeps, built-in or plug-in."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from evaluators.base import Evaluator, Resources, judge
from evaluators.embedding import Embedder
from evaluators.worker import build
from schemas.models import Sample, ToolCall
from schemas.registry import load

SAMPLES = [
    Sample(
        "p", "a1", "s", "", 0, "Where is the Eiffel Tower?",
        "The Eiffel Tower is in Paris.", ("The Eiffel Tower stands in Paris, France.",),
        reference="In Paris.", tools=(ToolCall("search", '{"q": "Eiffel"}'),) * 3,
    ),
    Sample(
        "p", "a2", "s", "", 0, "When was it built?",
        "It was built in 1999 by Napoleon.", ("The tower was finished in 1889.", "It is tall."),
        reference="1889", tools=(ToolCall("search", "", True),),
    ),
]  # fmt: skip
# What an evaluator can only judge where it is there: the fields that its samples have instead.
OTHERS: dict[str, dict[str, str]] = {
    "citation_support": {"answer": "The Eiffel Tower is in Paris [1]. It is old [2]."},
    "language_match": {"answer": "It was built in 1999 by a man who came from another country."},
    "tool_call_correctness": {"reference": '[{"name": "search", "arguments": {"q": "Eiffel"}}]'},
}
NAMES = sorted(load("evaluator", "evaluators.metrics"))


@pytest.fixture(scope="module")
def built() -> dict[str, Evaluator]:
    """Every evaluator that can run here, judging all traffic."""
    return {e.name: e for e in build(Resources(Embedder()))}


# These two load a language model; tests/evaluators/judges hold them to the same contract.
@pytest.fixture(params=[name for name in NAMES if name not in {"llm_judge", "pairwise"}])
def evaluator(request: pytest.FixtureRequest, built: dict[str, Evaluator]) -> Evaluator:
    return built[request.param]


def samples(evaluator: Evaluator) -> list[Sample]:
    changed: dict[str, Any] = {**OTHERS.get(evaluator.name, {})}
    return [dataclasses.replace(sample, **changed) for sample in SAMPLES]


def test_a_name_version_and_level_are_said(built: dict[str, Evaluator]) -> None:
    for name, evaluator in built.items():
        assert name in NAMES
        assert len(evaluator.version) == 12
        assert evaluator.level in {"span", "trace", "session"}
        assert 0 < evaluator.probability <= 1


def test_versions_are_the_same_when_built_again(built: dict[str, Evaluator]) -> None:
    again = {e.name: e.version for e in build(Resources(Embedder()))}
    assert again == {name: evaluator.version for name, evaluator in built.items()}


def test_values_are_between_zero_and_one(evaluator: Evaluator) -> None:
    results = judge(evaluator, samples(evaluator))
    assert [r.status for r in results] == ["scored", "scored"]
    assert all(0 <= r.value <= 1 for r in results)


def test_the_same_input_has_the_same_score(evaluator: Evaluator) -> None:
    given = samples(evaluator)
    forward = judge(evaluator, given)
    backward = judge(evaluator, given[::-1])[::-1]
    alone = [judge(evaluator, [sample])[0] for sample in given]
    assert forward == backward == alone


def test_an_empty_input_is_unscored_with_a_reason(built: dict[str, Evaluator]) -> None:
    for evaluator in built.values():
        for need in evaluator.needs:
            blank = () if need in {"documents", "tools"} else " "
            (result,) = judge(evaluator, [dataclasses.replace(SAMPLES[0], **{need: blank})])
            assert (result.status, result.reason) == ("unscored", f"no {need}")
            assert math.isnan(result.value)


def test_no_sample_gives_no_result(built: dict[str, Evaluator]) -> None:
    assert all(judge(evaluator, []) == [] for evaluator in built.values())
