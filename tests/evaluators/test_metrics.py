"""The built-in evaluators say the right thing about plain cases."""

from __future__ import annotations

import math

import pytest

from evaluators.base import Resources, judge, sampled
from evaluators.embedding import Embedder
from evaluators.judges.verdict import weighed
from evaluators.metrics.answer_relevance import answer_relevance
from evaluators.metrics.groundedness import groundedness
from evaluators.metrics.refusal import refusal
from evaluators.words import stem, words
from schemas.models import Sample


@pytest.fixture(scope="module")
def resources() -> Resources:
    return Resources(Embedder())


def sample(answer: str, question: str = "", document: str = "") -> Sample:
    return Sample("p", "t", "s", "", 0, question, answer, (document,))


def test_groundedness_falls_on_a_hallucinated_answer_of_the_same_length(
    resources: Resources,
) -> None:
    document = "The refund window is 30 days. Returns need the receipt and go to the Leeds depot."
    true = "Refunds are possible within 30 days with the receipt."
    false = "Refunds are possible within 90 days without a coupon."
    assert len(true) == len(false)
    good, bad = judge(
        groundedness(resources), [sample(true, "", document), sample(false, "", document)]
    )
    assert good.value > bad.value + 0.05
    assert "90" in bad.explanation


def test_groundedness_does_not_reward_length(resources: Resources) -> None:
    document = "Paris is the capital of France. The river Seine runs through Paris."
    short, long = judge(
        groundedness(resources),
        [
            sample("Paris is the capital of France.", "", document),
            sample(
                "Paris is the capital of France. The river Seine runs through Paris.", "", document
            ),
        ],
    )
    assert short.value == pytest.approx(long.value, abs=0.1)


def test_relevance_falls_when_the_answer_is_about_something_else(resources: Resources) -> None:
    question = "How do I reset my password?"
    near, far = judge(
        answer_relevance(resources),
        [
            sample("Open settings and choose 'reset password'.", question),
            sample("The Amazon is the largest rainforest on Earth.", question),
        ],
    )
    assert near.value > 0.7
    assert far.value < 0.3


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "I’m unable to answer that question.",
        "As an AI language model, I do not have opinions.",
        "I don't have enough information to answer.",
    ],
)
def test_a_refusal_scores_one(answer: str, resources: Resources) -> None:
    assert judge(refusal(resources), [sample(answer)])[0].value == 1.0


@pytest.mark.parametrize(
    "answer",
    ["Paris.", "You can't return it after 30 days.", "I can help with that: open the settings."],
)
def test_an_answer_is_no_refusal(answer: str, resources: Resources) -> None:
    assert judge(refusal(resources), [sample(answer)])[0].value == 0.0


def test_a_judge_that_answers_off_the_labels_is_an_error() -> None:
    labels = (("Yes", 1.0), ("No", 0.0))
    result = weighed({"Yes": 0.01, "No": 0.02}, labels)
    assert result.status == "error"
    assert result.reason.startswith("off_label")
    assert math.isnan(result.value)
    assert weighed({"Yes": 0.3, "No": 0.1}, labels).value == 0.75


def test_sampling_keeps_the_stated_share_of_traces() -> None:
    kept = sum(sampled(f"trace-{i}", 0.1) for i in range(5000))
    assert 430 < kept < 570
    assert sampled("x", 1.0)


def test_embeddings_do_not_depend_on_their_batch() -> None:
    embedder = Embedder()
    texts = ["short", "a much longer text " * 20, "middling text of several words"]
    together = embedder.embed(texts)
    alone = Embedder().embed(texts[:1])
    assert together.shape == (3, 384)
    assert together[0] == pytest.approx(alone[0], abs=1e-4)
    assert (together**2).sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-4)


def test_words_keep_negation_and_numbers() -> None:
    assert words("It can't cost 1,299.50!") == ["it", "ca", "n't", "cost", "1,299.50"]
    assert stem("returns") == stem("return")
