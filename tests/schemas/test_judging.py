"""Judges and rubrics of assay.yaml are refused in words, and come back as they were written."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from schemas import control
from schemas.control import ControlError
from schemas.judging import JudgePolicy, RubricPolicy

FILE = """
judges:
  default: {url: 'https://api.openai.com/v1', model: gpt-4.1-mini, key: OPENAI_API_KEY,
            budget_usd: 5, price: {input: 0.4, output: 1.6}}
  local: {backend: torch}
rubrics:
  helpful:
    criteria: Does the answer help?
    labels: {yes: 1, partly: 0.5, no: 0}
    needs: [question, answer]
    sample: 0.1
  tone:
    criteria_file: tone.md
    scale: [1, 5]
    needs: [answer]
    judge: local
"""


def test_judges_and_rubrics_are_read_and_survive_the_control_table(tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Is it kind?\n")
    found = control.parse(FILE, folder=tmp_path)
    judge, helpful = found["judge", "default"], found["rubric", "helpful"]
    assert isinstance(judge, JudgePolicy) and isinstance(helpful, RubricPolicy)
    assert (judge.key, judge.price) == ("OPENAI_API_KEY", (0.4, 1.6))
    assert helpful.labels == (("yes", 1.0), ("partly", 0.5), ("no", 0.0))
    tone = found["rubric", "tone"]
    assert isinstance(tone, RubricPolicy)
    assert tone.criteria == "Is it kind?\n"
    assert tone.labels[1] == ("2", 0.25) and len(tone.labels) == 5
    for (kind, name), each in found.items():
        stored = json.loads(json.dumps(asdict(each), sort_keys=True))
        assert control.policy(kind, stored, f"control {kind} {name}") == each


URL = "url: 'http://localhost:8000/v1'"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("judges: {a: {model: m}}", "a.url must be an address like"),
        ("judges: {a: {%s}}", "a.model must name the model"),
        ("judges: {a: {%s, model: m, key: sk-12345}}", "must be the name of an environment"),
        ("judges: {a: {url: 'http://u:p@h/v1', model: m}}", "must not hold a user or a password"),
        ("judges: {a: {%s, model: m, mode: fast}}", "must be one of auto, logprobs"),
        ("judges: {a: {%s, model: m, budget_usd: -1}}", "from 0 to 1e"),
        ("judges: {a: {%s, model: m, price: 3}}", "dollars per million tokens"),
        ("judges: {a: {%s, model: m, keys: X}}", "a.keys is not known; there are: backend"),
        ("rubrics: {a: {judge: torch}}", "a.criteria must be a text"),
        ("rubrics: {A-b: {criteria: x, judge: torch}}", "name is made of a-z"),
        ("rubrics: {a: {criteria: x}}", "no judge 'default'; there are: torch"),
        ("rubrics: {a: {criteria: x, judge: torch, labels: {yes: 1}}}", "2 to 26 labels"),
        ("rubrics: {a: {criteria: x, judge: torch, labels: {a: 1, b: 1}}}", "worth the same"),
        ("rubrics: {a: {criteria: x, judge: torch, labels: {a: 1, A: 0}}}", "nothing but case"),
        ("rubrics: {a: {criteria: x, judge: torch, labels: {'a,b': 1, c: 0}}}", "letters and"),
        ("rubrics: {a: {criteria: x, judge: torch, labels: {a: 2, c: 0}}}", "from 0 to 1"),
        ("rubrics: {a: {criteria: x, judge: torch, scale: [5, 1]}}", "two whole numbers"),
        ("rubrics: {a: {criteria: x, judge: torch, needs: [prompt]}}", "some of question, context"),
        ("rubrics: {a: {criteria: x, judge: torch, level: day}}", "one of span, trace, session"),
        ("rubrics: {a: {criteria_file: absent.md, judge: torch}}", "absent.md cannot be read"),
        ("evaluators: {llm_judge: {judge: mine}}", "no judge 'mine'; there are: torch"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ControlError, match=said) as caught:
        control.parse(text.replace("%s", URL), folder=tmp_path)
    assert "sk-12345" not in str(caught.value)
