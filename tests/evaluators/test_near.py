"""Evaluators on embeddings: parts of questions, spare sentences, retrieval, frustration."""

from __future__ import annotations

from evaluators.base import Resources, judge
from evaluators.embedding import Embedder
from evaluators.metrics.completeness import completeness
from evaluators.metrics.conciseness import conciseness
from evaluators.metrics.context_recall import context_coverage
from evaluators.metrics.context_relevance import context_relevance
from evaluators.metrics.session_frustration import session_frustration
from evaluators.parts import parts
from schemas.models import Sample

SHARED = Resources(Embedder())


def sample(question: str = "", answer: str = "", *documents: str) -> Sample:
    return Sample("p", "t", "s", "", 0, question, answer, documents)


def test_a_question_has_the_parts_that_ask_for_something() -> None:
    assert parts("I lost my card. How do I freeze it, and what does a new one cost?") == [
        "How do I freeze it", "what does a new one cost?",
    ]  # fmt: skip
    assert parts("Tell me:\n1. What is BEGIN?\n2. Who made it?") == [
        "What is BEGIN?", "Who made it?",
    ]  # fmt: skip
    assert parts("card lost") == ["card lost"]


def test_a_part_that_is_not_addressed_is_named() -> None:
    asked = "When was the Eiffel Tower built, and how do I bake bread?"
    both, one = judge(
        completeness(SHARED),
        [
            sample(asked, "The Eiffel Tower was built in 1889. To bake bread, knead the dough."),
            sample(asked, "The Eiffel Tower was built in 1889."),
        ],
    )
    assert (both.value, one.value) == (1.0, 0.5)
    assert "bake bread" in one.explanation


def test_sentences_that_add_nothing_take_from_conciseness() -> None:
    twice = "It was built in 1889. It was built in 1889."
    lean, padded = judge(
        conciseness(SHARED),
        [
            sample("When was it built?", "It was built in 1889."),
            sample("When was it built?", f"Great question! {twice} I hope this helps you."),
        ],
    )  # fmt: skip
    assert lean.value == 1.0
    assert padded.value < 0.5 and "Great question" in padded.explanation


def test_documents_that_speak_of_something_else_are_less_relevant() -> None:
    asked = "When was the Eiffel Tower built?"
    near, mixed, far = judge(
        context_relevance(SHARED),
        [sample(asked, "", *docs) for docs in (
            ("The Eiffel Tower was built from 1887 to 1889.",),
            ("The Eiffel Tower was built from 1887 to 1889.", "Bread is made of flour."),
            ("Bread is made of flour.",),
        )],
    )  # fmt: skip
    assert near.value > 0.7 > mixed.value > far.value
    assert far.value < 0.2


def test_coverage_names_the_part_that_no_passage_speaks_of() -> None:
    asked = "When was the Eiffel Tower built, and how do I bake bread?"
    (result,) = judge(
        context_coverage(SHARED), [sample(asked, "", "The Eiffel Tower was built in 1889.")]
    )
    assert result.value == 0.5 and "bake bread" in result.explanation


def test_a_user_who_asks_again_or_complains_is_frustrated() -> None:
    calm, again, angry = judge(
        session_frustration(SHARED),
        [
            sample("How do I freeze my card?\n\nWhat does a new one cost?"),
            sample("How do I freeze my card?\n\nHow can I freeze my card?"),
            sample("How do I freeze my card?\n\nThat is not what I asked, this is useless!"),
        ],
    )
    assert (calm.value, again.value, angry.value) == (0.0, 0.5, 0.5)
    assert again.explanation == "turn 2 asks again"
