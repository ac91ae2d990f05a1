"""Explanations of groundedness are read back as they were written, and found in the answer."""

from __future__ import annotations

from evaluators.base import Resources
from evaluators.embedding import Embedder
from evaluators.metrics.groundedness import groundedness
from schemas.models import Sample
from schemas.support import marked, place, read


def test_what_the_evaluator_writes_is_read_back() -> None:
    answer = 'The "Eiffel" tower (1889) is 330 m high.  It was built by aliens from Mars.'
    facts = ("The Eiffel tower is 330 m high. It opened in 1889.", "Paris is in France.")
    sample = Sample("p", "t", "s", "", 0, "How high is it?", answer, facts)
    (result,) = groundedness(Resources(Embedder())).evaluate([sample])
    told = read(result.explanation)
    assert len(told) == len(result.explanation.split("\n")) == 2
    spoken = {each.sentence.split()[0]: each for each in told}
    assert "aliens" in spoken["It"].absent and not spoken["It"].supported
    assert {n for _, n in marked(answer, [each.sentence for each in told])} >= {0, 1}
    for each in told:
        if each.supported:
            assert place(facts[each.document], each.passage) is not None


def test_lines_of_another_form_are_left_out() -> None:
    assert read("the judge liked it\nsupported: no quotes") == []


def test_a_sentence_is_found_whatever_stands_between_its_words() -> None:
    assert place("Yes.  It\n was  (so) [x].", "It was (so) [x].") == (6, 24)
    assert place("abc", "") is None and place("abc", "d") is None


def test_pieces_together_are_the_whole_text() -> None:
    text = "One two. Three four. Five."
    pieces = marked(text, ["Three four.", "Five.", "not there", "four. Five."])
    assert "".join(said for said, _ in pieces) == text
    assert [n for _, n in pieces] == [-1, 0, -1, 1]
