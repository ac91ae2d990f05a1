"""A jury keeps who said what, and a pair is judged in both orders."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from evaluators.base import Result, Usage, failed, scored, unscored
from evaluators.judges.backends import Backends
from evaluators.judges.jury import Jury, combined
from evaluators.judges.pairwise import Pair, prefer, settled
from evaluators.judges.question import Part, Question
from schemas import judging
from schemas.judging import JudgePolicy

QUESTION = Question("s", (Part("answer", "text"),), "a?", (("Yes", 1.0), ("No", 0.0)))


class Fixed:
    """A judge that says what it was given; `lean` is for place A whatever stands there."""

    name, per_call = "fixed", 8

    def __init__(self, value: float | Exception, lean: float = 0.0) -> None:
        self._value, self._lean = value, lean
        self.model = f"fixed {value}"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"value": str(self._value)}

    def ask(self, questions: Sequence[Question]) -> list[Result]:
        if isinstance(self._value, Exception):
            raise self._value
        out = []
        for question in questions:
            better = question.parts[1].text if len(question.parts) > 2 else ""
            odds = (self._value if better == "good" else -self._value) + self._lean
            value = 1 / (1 + math.exp(-odds)) if better else self._value
            out.append(Result("scored", value, usage=Usage(requests=1)))
        return out


def test_a_jury_gives_the_mean_and_keeps_each_voice() -> None:
    jury = Jury("panel", [("a", Fixed(0.9)), ("b", Fixed(0.2))])
    (result,) = jury.ask([QUESTION])
    assert result.value == pytest.approx(0.55)
    assert result.explanation == "disagree, spread 0.700: a 0.900, b 0.200"
    assert result.usage == Usage(requests=2)
    assert jury.spec == {"jury": {"a": {"value": "0.9"}, "b": {"value": "0.2"}}}


def test_a_member_that_fails_leaves_the_others_their_verdict() -> None:
    jury = Jury("panel", [("a", Fixed(0.9)), ("b", Fixed(RuntimeError("gone"))), ("c", Fixed(0.8))])
    (result,) = jury.ask([QUESTION])
    assert result.value == pytest.approx(0.85)
    assert result.explanation.startswith("agree") and "b error: RuntimeError: gone" in (
        result.explanation
    )


def test_less_than_half_of_a_jury_is_no_verdict() -> None:
    lost = combined([("a", failed("timeout")), ("b", failed("timeout")), ("c", scored(1.0))])
    assert (lost.status, lost.reason[:9]) == ("error", "no_quorum")
    assert math.isnan(lost.value)
    assert combined([("a", unscored("budget")), ("b", unscored("budget"))]).reason == "budget"


def test_a_jury_is_made_of_the_judges_that_it_names() -> None:
    policies = {
        "mine": JudgePolicy(url="http://127.0.0.1:9/v1", model="m"),
        "panel": judging.judge({"backend": "jury", "members": ["mine", "torch"]}, "judges.panel"),
    }
    kept = Backends({})
    jury = kept.get("panel", policies)
    assert jury.model == "m + SmolLM2-135M-Instruct.Q4_1"
    nested = {**policies, "all": JudgePolicy("jury", members=("panel", "mine"))}
    with pytest.raises(ValueError, match="panel is a jury itself"):
        kept.get("all", nested)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backend": "jury"}, "two judges or more"),
        ({"backend": "jury", "members": ["a", "a"]}, "two judges or more"),
        ({"backend": "torch", "members": ["a", "b"]}, "of backend jury"),
        ({"backend": "torch", "device": "gpu1"}, "must be auto, cpu, cuda"),
        ({"backend": "torch", "dtype": "int3"}, "must be one of auto, float32"),
        ({"backend": "torch", "download": "yes"}, "must be true or false"),
    ],
)
def test_what_cannot_be_a_judge_is_refused_in_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        judging.judge(given, "judges.x")


@pytest.mark.parametrize(
    "given",
    [{"backend": "torch"}, {"backend": "jury", "members": ["a", "b"]}],
)
def test_a_judge_reads_the_same_from_what_was_stored(given: dict[str, Any]) -> None:
    made = judging.judge(given, "judges.x")
    assert judging.judge(json.loads(json.dumps(asdict(made))), "judges.x") == made
    rubric = judging.rubric({"criteria": "c"}, "rubrics.x")
    assert judging.rubric(json.loads(json.dumps(asdict(rubric))), "rubrics.x") == rubric


def test_a_prior_names_every_label_and_adds_up_to_one() -> None:
    base = {"criteria": "c", "labels": {"yes": 1, "no": 0}}
    made = judging.rubric({**base, "prior": {True: 0.7, False: 0.3}}, "rubrics.x")
    assert made.prior == (0.7, 0.3)
    for wrong in ({"yes": 0.7}, [0.7, 0.7], [0.7]):
        with pytest.raises(ValueError, match="prior"):
            judging.rubric({**base, "prior": wrong}, "rubrics.x")


def test_the_better_answer_wins_in_either_place() -> None:
    pairs = [Pair("q", "good", "bad"), Pair("q", "bad", "good")]
    first, second = prefer(Fixed(2.0), pairs)
    assert first.value == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-3)
    assert second.value == pytest.approx(1 - first.value, abs=1e-3)
    assert first.usage == Usage(requests=2)


def test_a_lean_to_a_place_is_averaged_out_and_a_flip_is_a_tie() -> None:
    (leaning,) = prefer(Fixed(2.0, lean=1.0), [Pair("q", "good", "bad")])
    assert leaning.value == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-3)
    (tie,) = prefer(Fixed(0.5, lean=2.0), [Pair("q", "good", "bad")])
    assert tie.value == 0.5 and tie.explanation.startswith("tie")


def test_an_order_without_a_verdict_is_what_the_pair_gets() -> None:
    assert settled(scored(0.9), failed("off_label: mass 0.01 on A, B")).status == "error"
