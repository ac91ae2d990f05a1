"""How an answer names its source is taken off; what it says is kept."""

from __future__ import annotations

import pytest

from evaluators.framing import unframed

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
