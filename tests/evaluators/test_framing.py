"""How an answer names its source is taken off; what it says is kept."""

from __future__ import annotations

import pytest

from evaluators.framing import unframed
from evaluators.words import stem, words

PLAIN = "The bridge opened in 1931."


@pytest.mark.parametrize(
    "said",
    [
        "According to the text, the bridge opened in 1931.",
        "The provided document states that the bridge opened in 1931.",
        "The bridge opened in 1931, as stated in the article.",
        "Yes, based on the retrieved documents, the bridge opened in 1931.",
        PLAIN,
    ],
)
def test_words_about_the_source_are_taken_off(said: str) -> None:
    assert unframed(said) == PLAIN


@pytest.mark.parametrize(
    "said",
    [
        "According to Marta Quill, the bridge is unsafe.",
        "In 1931, the bridge opened.",
        "The report on bridges was late.",
        "According to the text,",
    ],
)
def test_what_names_a_person_or_a_time_stays(said: str) -> None:
    assert unframed(said) == said


@pytest.mark.parametrize(
    "said",
    [
        "What can be gathered from this is that the bridge opened in 1931.",
        "I looked it up for you and the bridge opened in 1931.",
        "Here is the gist: the bridge opened in 1931.",
        "From everything I have read so far, the bridge opened in 1931.",
        "The bridge opened in 1931, at least that is how I understand it.",
    ],
)
def test_a_clause_about_the_speaker_or_the_statement_is_known_by_its_form(said: str) -> None:
    assert unframed(said, frozenset(map(stem, words(PLAIN)))).rstrip(".") == PLAIN.rstrip(".")


@pytest.mark.parametrize(
    "said",
    [
        "It is a myth that the bridge opened in 1931.",
        "There is no proof that the bridge opened in 1931.",
        "There is a tower that the town built in 1931.",
        "I went to Rome and the bridge opened in 1931.",
        "What Marta Quill says is that the bridge opened in 1931.",
        "Wow, that is great.",
        "In the year that it snowed, the bridge opened.",
    ],
)
def test_a_clause_that_says_something_stays(said: str) -> None:
    assert unframed(said) == said


def test_a_clause_whose_words_a_document_holds_stays() -> None:
    said = "It is widely feared that the bridge is unsafe."
    assert unframed(said) == "The bridge is unsafe."
    assert unframed(said, frozenset([stem("feared")])) == said
