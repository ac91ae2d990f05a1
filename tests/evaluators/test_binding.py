"""A fact counts as held however it is spelled, and as out of place where another stands instead."""

from __future__ import annotations

import pytest

from evaluators import binding, facts
from evaluators.evidence import documents
from evaluators.facts import acronyms, held, tokens

COMMON = frozenset({"film", "open", "cost"})
IDF = {"": 8.0, "film": 3.0, "open": 3.0, "cost": 3.0}


def absent(claim: str, text: str) -> tuple[bool, bool]:
    return facts.absent(
        tokens(claim, COMMON),
        held([t.text.lower() for t in tokens(text, COMMON)]),
        acronyms([tokens(text, COMMON)]),
    )


def told(claim: str, text: str, encoder: float = 0.0) -> dict[str, float]:
    found = documents([text])
    known = held(found.words | found.numbers)
    values = binding.bound(claim, found.passages, known, IDF, encoder)
    return dict(zip(binding.NAMES, values, strict=True))


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It sold 3 boats.", "It sold three boats."),
        ("It has 1,200 seats.", "It has 1200 seats."),
        ("Blogs grew in the 1990's.", "Blogs grew in the 1990s."),
        ("It opened on January 22nd.", "It opened on 22 January."),
        ("He was named by President Ronald Reagan.", "President Reagan named him."),
        ("They farmed in West Africa.", "The African farms."),
        ("He sat on the US court.", "He sat on a court of the United States."),
        ("Marta Quill won it.", "She won it."),  # documents go on with a pronoun
    ],
)
def test_a_fact_is_held_in_another_spelling(claim: str, text: str) -> None:
    assert absent(claim, text) == (False, False)


@pytest.mark.parametrize(
    ("claim", "dated", "named"),
    [
        ("The bridge opened in 1934.", True, False),
        ("The bridge has four lanes.", True, False),
        ("The bridge opened in June.", True, False),
        ("The bridge lies in Norway.", False, True),
    ],
)
def test_a_fact_that_no_document_has_is_absent(claim: str, dated: bool, named: bool) -> None:
    assert absent(claim, "The Harrow bridge opened in May 1931 with 2 lanes.") == (dated, named)


def test_the_word_that_stands_in_its_place_speaks_against_a_swapped_one() -> None:
    text = "The Harrow bridge opened in 1931 and carries two lanes."
    right = told("The Harrow bridge opened in 1931.", text)
    wrong = told("The Harrow bridge opened in 1934.", text)
    assert right["facts_in_place"] == right["numbers_held"] == 1.0
    assert wrong["facts_in_place"] < 0.3
    assert wrong["numbers_held"] == 0.0


def test_a_fact_that_stands_elsewhere_is_out_of_place() -> None:
    text = "Anna Keller directed the film in 1988. Tom Reyes wrote a book on rivers in 1971."
    there = told("Anna Keller directed the film in 1988.", text)
    swapped = told("Anna Keller directed the film in 1971.", text)
    assert swapped["numbers_held"] == 1.0  # 1971 is in the documents
    assert swapped["facts_in_place"] < there["facts_in_place"] == 1.0


def test_a_word_out_of_place_counts_as_far_as_the_encoder_is_against_the_claim() -> None:
    text = "Several minerals have a green colour."
    values = [
        told("Several minerals have a blue colour.", text, encoder)["words_in_place_or_entailed"]
        for encoder in (-1.0, 0.0, 1.0)
    ]
    assert values == sorted(values)
    assert values[0] < 0.5 and values[2] == 1.0


@pytest.mark.parametrize("claim", ["It is old.", "Yes", "7", "'s"])
def test_values_are_shares_whatever_the_claim(claim: str) -> None:
    for text in ("It is old.", "Nothing alike."):
        values = told(claim, text).values()
        assert all(0.0 <= value <= 1.0 for value in values)
