"""Evaluators that count or check: format, personal data, language, citations, tool calls."""

from __future__ import annotations

import json

import pytest

from evaluators import calls
from evaluators.base import Resources, Result, judge
from evaluators.embedding import Embedder
from evaluators.metrics.citation_support import citation_support, cited
from evaluators.metrics.context_precision import average_precision, context_precision
from evaluators.metrics.context_recall import context_recall
from evaluators.metrics.format import Format
from evaluators.metrics.hallucinated_sentences import hallucinated_sentences
from evaluators.metrics.language_match import language_match
from evaluators.metrics.pii_leak import find, pii_leak
from evaluators.metrics.tool_argument_validity import tool_argument_validity, wrong
from evaluators.metrics.tool_call_correctness import tool_call_correctness
from schemas.models import Sample, ToolCall

NONE = Resources(Embedder())
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
TOWER = "The Eiffel Tower stands in Paris, France."
YEAR = "The tower was finished in 1889."


def sample(
    answer: str = "", question: str = "", documents: tuple[str, ...] = (),
    reference: str = "", tools: tuple[ToolCall, ...] = (),
) -> Sample:  # fmt: skip
    return Sample("p", "t", "s", "", 0, question, answer, documents, 30, reference, tools=tools)


@pytest.mark.parametrize(
    ("options", "answer", "value"),
    [
        ({}, '{"a": 1}', 1.0),
        ({}, "plain words", 0.0),
        ({"schema": SCHEMA}, '{"n": 3}', 1.0),
        ({"schema": SCHEMA}, '```json\n{"n": 3}\n```', 1.0),
        ({"schema": SCHEMA}, '{"n": "3"}', 0.0),
        ({"pattern": r"\d{4}"}, "in 1889", 1.0),
        ({"pattern": r"\d{4}", "full": True}, "in 1889", 0.0),
        ({"pattern": "x", "schema": SCHEMA}, '{"n": 3}', 0.0),
    ],
)
def test_a_form_is_kept_or_not(options: dict[str, object], answer: str, value: float) -> None:
    (result,) = judge(Format(options), [sample(answer)])
    assert (result.status, result.value) == ("scored", value)
    assert bool(result.explanation) == (value == 0)


@pytest.mark.parametrize("options", [{"regex": "x"}, {"pattern": "("}, {"schema": {"type": 3}}])
def test_options_that_cannot_be_used_are_refused_in_words(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^format: "):
        Format(options)


def test_another_form_is_another_version() -> None:
    assert (
        Format({}).version != Format({"pattern": "x"}).version != Format({"pattern": "y"}).version
    )


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Write to ann@example.org or call +44 20 7946 0958.", ["email", "phone"]),
        ("Card 4111 1111 1111 1111, not 4111 1111 1111 1112.", ["card"]),
        ("IBAN GB29 NWBK 6016 1331 9268 19 from 192.168.7.9", ["iban", "ip"]),
        ("Between 1989 2001 and 2024-05-15 some 1,234,567 came; version 1.2.3.", []),
        ("SSN 536-22-8726", ["ssn"]),
    ],
)
def test_personal_data_is_found_by_form_and_check_digit(text: str, kinds: list[str]) -> None:
    assert sorted({kind for kind, _ in find(text)}) == sorted(kinds)


def test_what_the_user_brought_is_no_leak_and_no_value_is_repeated() -> None:
    own, leaked = judge(
        pii_leak(NONE),
        [sample("It is ANN@example.org.", "I am ann@example.org"), sample("Ask bob@example.org.")],
    )
    assert (own.value, leaked.value, leaked.explanation) == (0.0, 1.0, "1 email")


def test_an_answer_in_another_language_is_told_and_a_short_one_left_open() -> None:
    made = language_match(NONE)
    assert made is not None
    asked = "Wie kann ich meine verlorene Kreditkarte sperren lassen?"
    same, other, short = judge(
        made,
        [
            sample("Rufen Sie uns bitte an, dann sperren wir die Karte sofort.", asked),
            sample("Please call us at once, and we will freeze your card.", asked),
            sample("OK", asked),
        ],
    )
    assert same.value > 0.9 > 0.1 > other.value
    assert other.explanation == "question de, answer en"
    assert short.reason == "answer too short to tell its language"


def test_marks_belong_to_their_sentence_also_behind_its_full_stop() -> None:
    assert cited("It is old.[2] It is tall [1, 3]. It is grey.") == [
        ("It is old.", (2,)), ("It is tall.", (1, 3)),
    ]  # fmt: skip


def test_a_citation_counts_only_where_its_own_passage_supports_the_sentence() -> None:
    right, swapped, beyond, none = judge(
        citation_support(NONE),
        [
            sample(f"The Eiffel Tower stands in Paris [{n}].", "", (TOWER, YEAR))
            for n in (1, 2, 7)
        ] + [sample("The Eiffel Tower stands in Paris.", "", (TOWER,))],
    )  # fmt: skip
    assert right.value > 0.5 > swapped.value
    assert (beyond.value, none.status, none.reason) == (0.0, "unscored", "no citation")


def test_unsupported_sentences_are_counted_and_named() -> None:
    said = "The Eiffel Tower stands in Paris. Its architect was a Norwegian fisherman named Olaf."
    (result,) = judge(hallucinated_sentences(NONE), [sample(said, "", (TOWER, YEAR))])
    assert result.value == 0.5
    assert result.explanation.startswith("1 of 2 sentences") and "Olaf" in result.explanation


def test_precision_falls_where_the_right_document_comes_late() -> None:
    assert average_precision([True, False]) == 1.0 > average_precision([False, True]) == 0.5
    assert average_precision([False]) == 0.0
    first, last = judge(
        context_precision(NONE),
        [
            sample(documents=d, reference=YEAR)
            for d in ((YEAR, "Cats sleep."), ("Cats sleep.", YEAR))
        ],
    )
    assert (first.value, last.value) == (1.0, 0.5)


def test_recall_is_the_share_of_the_reference_that_the_documents_hold() -> None:
    wanted = f"{TOWER} Olaf the fisherman had drawn nine secret plans of it."
    (result,) = judge(context_recall(NONE), [sample(documents=(TOWER, YEAR), reference=wanted)])
    assert result.value == 0.5 and "Olaf" in result.explanation


def test_calls_are_paired_in_order_by_name_and_arguments() -> None:
    wanted = json.dumps([{"name": "find", "arguments": {"a": 1}}, {"name": "book", "kwargs": {}}])
    exact = (ToolCall("find", '{"a":1}'), ToolCall("book", ""))

    def score(*tools: ToolCall) -> Result:
        return judge(tool_call_correctness(NONE), [sample(tools=tools, reference=wanted)])[0]

    assert score(*exact).value == 1.0
    assert score(*exact[::-1]).value == 0.5  # order belongs to it
    assert score(ToolCall("find", '{"a": 2}'), exact[1]).value == 0.75
    assert score(*exact, ToolCall("other", "")).value == 0.8


def test_a_reference_that_is_no_list_of_calls_is_an_error_and_no_zero() -> None:
    (result,) = judge(
        tool_call_correctness(NONE), [sample(tools=(ToolCall("a", ""),), reference="In Paris.")]
    )
    assert (result.status, result.reason) == ("error", "unparsable: reference is not JSON")
    assert calls.reference('{"function": {"name": "x", "arguments": "{}"}}') == [
        ToolCall("x", "{}")
    ]


def test_arguments_are_held_against_the_schema_of_their_tool() -> None:
    definition = json.dumps({"type": "function", "function": {"name": "f", "parameters": SCHEMA}})
    good, bad = (ToolCall("f", text, False, definition) for text in ('{"n": 1}', '{"n": "1"}'))
    assert wrong(good) == "" and wrong(bad).startswith("$.n:")
    assert (
        wrong(ToolCall("f", "{")) == "not JSON" and wrong(ToolCall("f", "[1]")) == "not an object"
    )
    (result,) = judge(tool_argument_validity(NONE), [sample(tools=(good, bad))])
    assert result.value == 0.5 and result.explanation.startswith("2 of 2 calls had a schema")
