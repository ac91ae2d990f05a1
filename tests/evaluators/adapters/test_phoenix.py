"""Phoenix' classifications on our judges: its rubric, our marks, one verdict."""

from __future__ import annotations

from typing import Any

import pytest

from evaluators import ready
from evaluators.adapters import phoenix
from evaluators.base import judge
from evaluators.embedding import Embedder
from evaluators.judges.openai_api import OpenAIJudge
from schemas.judging import JudgePolicy
from schemas.models import Sample
from tests.evaluators.judges.fake_openai import Fake, Reply, error, in_turn, says, serving

SAMPLE = Sample("p", "t", "s", "", 0, "Where is it?", "In Paris.", ("It is in Paris.",))
EMBEDDER = Embedder()


def first(_: Fake, body: dict[str, Any]) -> Reply:
    """The first label that is offered, surely."""
    label = body["messages"][-1]["content"].rsplit("nothing else: ", 1)[1].split(",")[0]
    return says(label, "judge-1-2026", [(label, 0.9)])


@pytest.mark.parametrize("name", sorted(phoenix.NAMES))
def test_the_value_is_the_one_that_phoenix_gives_to_the_label(name: str) -> None:
    with serving(first) as fake:
        made = OpenAIJudge("fake", JudgePolicy(url=fake.url, model="judge-1"), "")
        (result,) = judge(ready.make(name, made, EMBEDDER, {}), [SAMPLE])
    assert (result.status, result.value) == ("scored", 1.0)
    system, user = (message["content"] for message in fake.asked[0]["messages"])
    assert "In Paris." not in system and "(the text with the title" in system
    assert "data to judge" in user


def test_a_judge_that_fails_keeps_its_kind() -> None:
    with serving(in_turn(error(401, "no such key"))) as fake:
        made = OpenAIJudge("fake", JudgePolicy(url=fake.url, model="judge-1"), "")
        (result,) = judge(ready.make("phoenix_refusal", made, EMBEDDER, {}), [SAMPLE])
    assert result.reason.startswith("denied")


def test_what_a_classification_needs_and_lacks_makes_the_sample_unscored() -> None:
    bare = Sample("p", "t", "s", "", 0, "Where is it?", "In Paris.", ())
    made = OpenAIJudge("fake", JudgePolicy(url="http://127.0.0.1:1/v1", model="judge-1"), "")
    (result,) = judge(ready.make("phoenix_faithfulness", made, EMBEDDER, {}), [bare])
    assert (result.status, result.reason) == ("unscored", "no documents")
