"""Evaluators that put the sample first are asked as one: fewer tokens, the same verdicts."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from evaluators import joint
from evaluators.base import judge, sampled
from evaluators.judges.backends import Backends
from evaluators.judges.torch_lm import Setup, TorchJudge
from evaluators.plan import assignments, bundles
from evaluators.rubrics import Rubric
from evaluators.worker import Desk, run_batch, run_bundle
from schemas import control
from schemas.clickhouse import Store
from schemas.judging import RubricPolicy
from schemas.models import Sample, SpanRow
from schemas.queries import scores, spans
from tests.assay.shell import assay
from tests.evaluators.judges import tiny
from tests.evaluators.judges.fake_openai import Fake, Reply, says, serving

CRITERIA = {"kind": "It is kind.", "short": "It is short.", "true": "It is so.", "calm": "Calm."}
ANSWER = "The tower stands in Paris, and the answer goes on for a while about it. " * 3
DIGIT = 1.01e-4  # values are kept to four digits, so what is alike may differ in the last one
SAMPLES = [Sample("p", f"t{n}", "s", "", 0, f"Where is it? {n}", ANSWER, ()) for n in range(3)]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> TorchJudge:
    return TorchJudge(tiny.save(tmp_path_factory.mktemp("tiny")), "tiny", Setup("cpu", tokens=900))


@pytest.fixture(autouse=True)
def no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights put little mass on any label."""
    monkeypatch.setattr("evaluators.judges.verdict.MASS_FLOOR", 0.0)


def four(backend: TorchJudge, first: str = "sample") -> list[Rubric]:
    return [Rubric(n, RubricPolicy(c, first=first), backend) for n, c in CRITERIA.items()]


def counted(local: TorchJudge, several: list[Rubric], alone: bool) -> tuple[list[float], int]:
    """Verdicts, rubric by rubric, and the tokens that went through the model for them."""
    engine = local._loaded[1][0]
    before = engine.computed
    if alone:
        made = [judge(each, [sample])[0] for each in several for sample in SAMPLES]
    else:
        made = [r for rs in joint.judged([(each, SAMPLES) for each in several]) for r in rs]
    assert {result.status for result in made} == {"scored"}
    return [result.value for result in made], engine.computed - before


def test_verdicts_are_the_same_together_and_alone_for_fewer_tokens(local: TorchJudge) -> None:
    together, few = counted(local, four(local), alone=False)
    alone, many = counted(local, four(local), alone=True)
    assert together == pytest.approx(alone, abs=DIGIT)
    assert len(set(together)) > 4
    assert few < 0.5 * many
    part, _ = counted(local, four(local)[:2], alone=False)
    assert part == pytest.approx(together[: len(part)], abs=DIGIT)
    asked = [each.question(sample) for sample in SAMPLES for each in four(local)]
    for one, question in zip(local.leanings(asked), asked, strict=True):
        assert one == pytest.approx(local.leanings([question])[0], abs=1e-4)


def test_one_that_lacks_a_field_or_breaks_leaves_the_others_as_they_are(
    local: TorchJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, short = four(local)[:2]
    bare = dataclasses.replace(SAMPLES[0], question="", trace_id="bare")
    found = joint.judged([(kind, [bare, SAMPLES[0]]), (short, [SAMPLES[0]])])
    assert [r.reason for r in found[0]] == ["no question", ""]
    assert found[1][0].value == pytest.approx(judge(short, SAMPLES[:1])[0].value, abs=DIGIT)

    def broken(sample: Sample) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(short, "question", broken)
    found = joint.judged([(kind, SAMPLES[:1]), (short, SAMPLES[:1])])
    assert [rs[0].status for rs in found] == ["scored", "error"]
    assert found[1][0].reason == "ValueError: no such thing"


def test_the_order_of_a_prompt_belongs_to_the_version(local: TorchJudge) -> None:
    first, usual = four(local)[0], four(local, "criteria")[0]
    assert first.version != usual.version
    assert joint.joins(first) and not joint.joins(usual)
    asked = first.question(SAMPLES[0])
    assert asked.sample_first and "It is kind." in asked.system


def test_those_that_join_draw_the_same_samples(local: TorchJudge) -> None:
    ids = [f"trace-{n}" for n in range(400)]
    first, usual = four(local)[:2], four(local, "criteria")[:2]
    drawn = [{i for i in ids if sampled(i, 0.3, joint.salt(e))} for e in (*first, *usual)]
    assert drawn[0] == drawn[1] and 80 < len(drawn[0]) < 160
    assert len({frozenset(each) for each in drawn}) == 3


def test_bundles_have_one_judge_level_and_order() -> None:
    text = {
        "judges": {"one": {"url": "http://127.0.0.1:1/v1", "model": "m"},
                   "two": {"url": "http://127.0.0.1:2/v1", "model": "m"},
                   "both": {"backend": "jury", "members": ["one", "two"]}},
        "rubrics": {
            "a": {"criteria": "A.", "first": "sample", "judge": "one"},
            "b": {"criteria": "B.", "first": "sample", "judge": "one", "sample": 0.5},
            "c": {"criteria": "C.", "judge": "one"},
            "d": {"criteria": "D.", "first": "sample", "judge": "two"},
            "e": {"criteria": "E.", "first": "sample", "judge": "one", "level": "session"},
            "f": {"criteria": "F.", "first": "sample", "judge": "both"},
            "g": {"criteria": "G.", "first": "sample", "judge": "both"},
        },
    }  # fmt: skip
    state = control.state(control.parse(json.dumps(text)))
    kept = Backends({})
    made = [Rubric(n, r, kept.get(r.judge, state.judges)) for n, r in state.rubrics.items()]
    found = bundles(assignments(made, state, "p", 0))
    assert sorted("".join(each.name for each in bundle) for bundle in found) == [
        "ab", "c", "d", "e", "fg",
    ]  # fmt: skip


@pytest.fixture
def project(store: Store) -> str:
    name, now = f"joint-{uuid.uuid4().hex[:8]}", time.time_ns()
    rows = [SpanRow(name, f"{name}-{s.trace_id}", "a", now, input=s.question, output=s.answer)
            for s in SAMPLES]  # fmt: skip
    spans.insert_spans(store, rows, uuid.uuid4().hex)
    time.sleep(0.02)
    return name


def test_the_worker_asks_them_as_one_and_stores_what_each_says(
    store: Store, project: str, local: TorchJudge
) -> None:
    state, several = control.Control(), four(local)
    (bundle,) = bundles(assignments(several, state, project, 0))
    engine = local._loaded[1][0]
    before = engine.computed
    assert run_bundle(store, project, bundle, Desk()) == [3, 3, 3, 3]
    few = engine.computed - before
    assert run_bundle(store, project, bundle, Desk()) == [0, 0, 0, 0]
    assert few < 0.5 * counted(local, several, alone=True)[1]
    late = [Rubric(f"{n}_again", RubricPolicy(c, first="sample"), local)
            for n, c in CRITERIA.items()]  # fmt: skip
    for each in assignments(late, state, project, 0):
        assert run_batch(store, project, each, Desk()) == 3
    for sample in SAMPLES:
        rows = scores.trace_scores(store, project, f"{project}-{sample.trace_id}")
        found = {row["evaluator"]: row["value"] for row in rows}
        for name in CRITERIA:
            assert found[name] == pytest.approx(found[f"{name}_again"], abs=DIGIT)


def sure(_: Fake, __: dict[str, Any]) -> Reply:
    return says("yes", "judge-1", [("yes", 0.9), ("no", 0.1)])


def test_several_rubrics_run_over_a_file_in_one_call(tmp_path: Path) -> None:
    rows = b'{"question": "How?", "answer": "So."}\n{"answer": "No question."}\n'
    with serving(sure) as fake:
        judges = {"fake": {"url": fake.url, "model": "m", "mode": "logprobs"}}
        text = {"judges": judges, "rubrics": {
            n: {"criteria": f"{n}.", "judge": "fake", "first": "sample"} for n in ("a", "b")
        }}  # fmt: skip
        (tmp_path / "assay.yaml").write_text(json.dumps(text))
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            done = assay("eval", "a,b", "--fail-under", "0.5", stdin=rows, ASSAY_HOME=str(tmp_path))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["evaluator"], row["status"]) for row in found] == [
        ("a", "scored"), ("b", "scored"), ("a", "unscored"), ("b", "unscored"),
    ], done.stderr  # fmt: skip
    assert done.returncode == 2 and b"a: " in done.stderr and b"b: " in done.stderr
    said = [body["messages"][-1]["content"] for body in fake.asked]
    assert len(said) == 2 and said[0].split("Criteria:")[0] == said[1].split("Criteria:")[0]
