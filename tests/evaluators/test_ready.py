"""Ready rubrics, options, judges by name, and an evaluator of one's own in a file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.chosen import option
from evaluators import ready
from evaluators.base import judge
from evaluators.defined import Defined
from evaluators.embedding import Embedder
from evaluators.judges.backends import Backends
from schemas import control
from schemas.control import EvaluatorPolicy
from schemas.judging import JudgePolicy
from schemas.models import Sample
from tests.assay.shell import Done, assay
from tests.evaluators.judges.fake_openai import Fake, Reply, says, serving

SAMPLE = Sample("p", "t", "s", "", 0, "How?", '{"n": 1}', ())
OWN = """
from evaluators.base import Resources, scored, version_of
from schemas.registry import register


class Short:
    name, level, needs, model, probability = "short", "trace", ("answer",), "", 1.0
    version = version_of({"words": 3})

    def evaluate(self, samples):
        return [scored(float(len(sample.answer.split()) < 4)) for sample in samples]


@register("evaluator", "short")
def short(resources: Resources) -> Short:
    return Short()
"""


def state(**policies: Any) -> control.Control:
    return control.Control(evaluators={n: EvaluatorPolicy(**p) for n, p in policies.items()})


def run(folder: Path, *arguments: str, text: str = "") -> Done:
    """`assay eval` in a folder of its own."""
    with contextlib.chdir(folder):
        return assay("eval", *arguments, stdin=text.encode(), ASSAY_HOME=str(folder))


def first(_: Fake, body: dict[str, Any]) -> Reply:
    label = body["messages"][-1]["content"].rsplit("nothing else: ", 1)[1].split(",")[0]
    return says(label.rstrip("."), "judge-1", [(label.rstrip("."), 0.9)])


def test_every_ready_rubric_is_sound_and_is_asked() -> None:
    with serving(first) as fake:
        judges = {"default": JudgePolicy(url=fake.url, model="judge-1")}
        full = Sample("p", "t", "s", "", 0, "How?", "So.", ("Doc.",), reference="So.")
        for name in sorted(ready.rubrics()):
            backend = Backends({}).get("default", judges)
            made = ready.make(name, backend, Embedder(), {})
            (result,) = judge(made, [full])
            assert result.status == "scored", (name, result.reason)
    assert len(fake.asked) == len(ready.rubrics())


def test_options_make_a_built_in_evaluator_anew_and_it_is_kept_while_they_stay() -> None:
    defined = Defined(Backends({}), {"format"}, Embedder())
    policy = state(format={"options": {"schema": {"required": ["n"]}}})
    (made,) = defined(policy)
    assert judge(made, [SAMPLE])[0].value == 1.0
    assert defined(policy)[0] is made
    (other,) = defined(state(format={"options": {"pattern": "x"}}))
    assert other.version != made.version
    assert defined(state(format={})) == []  # without options it is the worker's own


def test_what_cannot_be_made_is_left_out_with_a_reason() -> None:
    defined = Defined(Backends({}), (), Embedder())
    policies = {
        "format": {"options": {"regex": "x"}},
        "judged_bias": {"judge": "nobody"},
        "unheard_of": {"options": {"a": 1}},
    }
    made: Sequence[Any] = defined(state(**policies))
    assert made == []
    assert defined.why_not("format").startswith("format: regex is not known")
    assert defined.why_not("judged_bias") == "there is no judge 'nobody'"
    assert defined.why_not("unheard_of") == "no evaluator is named unheard_of"


def test_an_option_is_json_a_text_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"type": "object"}')
    assert option("full=true") == ("full", True)
    assert option(r"pattern=\d+=x") == ("pattern", r"\d+=x")
    assert option(f"schema=@{file}") == ("schema", {"type": "object"})


def test_a_file_is_an_evaluator_from_the_shell(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    done = run(tmp_path, "./own.py", text='{"answer": "Just so."}\n{"answer": "a b c d e"}\n')
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["evaluator"], row["score"]) for row in rows] == [("short", 1.0), ("short", 0.0)]


def test_options_come_from_the_shell_and_bad_ones_are_said(tmp_path: Path) -> None:
    row = '{"answer": "in 1889"}\n'
    done = run(tmp_path, "format", "--option", r"pattern=\d{4}", text=row)
    assert json.loads(done.stdout)["score"] == 1.0, done.stderr
    wrong = run(tmp_path, "format", "--option", "regex=x", text=row)
    assert wrong.returncode == 3 and b"regex is not known" in wrong.stderr
