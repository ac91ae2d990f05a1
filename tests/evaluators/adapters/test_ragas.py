"""RAGAS on our judges: numbers where its prompts are answered, typed errors everywhere else."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluators import ready
from evaluators.adapters import ragas
from evaluators.base import Evaluator, Result, judge
from evaluators.embedding import Embedder
from evaluators.judges.backends import Backends
from evaluators.judges.endpoint import Endpoint
from evaluators.judges.openai_api import OpenAIJudge
from schemas.judging import LOCAL, JudgePolicy
from schemas.models import Sample, ToolCall
from tests.evaluators.judges.fake_openai import Fake, Reply, error, in_turn, says, serving

CALLS = '[{"name": "find", "arguments": {"a": 1}}]'
SAMPLE = Sample(
    "p", "t", "s", "", 0, "Where is the tower?", "The tower is in Paris.",
    ("The tower stands in Paris.",), reference="It is in Paris.",
    tools=(ToolCall("find", '{"a": 1}'),),
)  # fmt: skip
EMBEDDER = Embedder()
RUBRICS = {f"score{n}_description": f"grade {n}" for n in range(1, 6)}


def filled(schema: dict[str, Any], root: dict[str, Any], name: str = "") -> Any:
    """The kindest value of a JSON Schema: a sentence for texts, one item in lists."""
    if "$ref" in schema:
        return filled(root["$defs"][schema["$ref"].split("/")[-1]], root, name)
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], root, name)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {k: filled(v, root, k) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        return [filled(schema.get("items", {"type": "string"}), root, name)]
    if kind in {"integer", "number"}:
        return {"noncommittal": 0, "rating": 2}.get(name, 1)
    return True if kind == "boolean" else "The tower is in Paris."


def kind(_: Fake, body: dict[str, Any]) -> Reply:
    schema = body["response_format"]["json_schema"]["schema"]
    return says(json.dumps(filled(schema, schema)), "judge-1-2026")


def evaluator(name: str, fake: Fake, **options: Any) -> Evaluator:
    policy = JudgePolicy(url=fake.url, model="judge-1", timeout=0.5, patience=3.0, price=(1.0, 1.0))
    endpoint = Endpoint(fake.url, "", policy.timeout, policy.patience, first_delay=0.01)
    return ready.make(name, OpenAIJudge("fake", policy, "", None, endpoint), EMBEDDER, options)


def score(
    name: str, script: Callable[[Fake, dict[str, Any]], Reply] = kind, sample: Sample = SAMPLE,
    **options: Any,
) -> tuple[Result, Fake]:  # fmt: skip
    with serving(script) as fake:
        return judge(evaluator(name, fake, **options), [sample])[0], fake


def needed(name: str) -> tuple[Sample, dict[str, Any]]:
    """The sample and the options with which a metric has all that it needs."""
    wants = ragas.METRICS[name.removeprefix("ragas_")].inputs
    sample = SAMPLE
    if "calls" in wants:
        sample = Sample(**{**_fields(SAMPLE), "reference": CALLS})
    return sample, {"rubrics": RUBRICS} if name == "ragas_instance_rubrics" else {}


def _fields(sample: Sample) -> dict[str, Any]:
    return {name: getattr(sample, name) for name in sample.__dataclass_fields__}


@pytest.mark.parametrize("name", sorted(ragas.NAMES))
def test_every_metric_comes_to_a_number_or_says_why_not(name: str) -> None:
    sample, options = needed(name)
    result, fake = score(name, kind, sample, **options)
    assert result.status == "scored", result.reason
    assert 0 <= result.value <= 1
    asks = ragas.METRICS[name.removeprefix("ragas_")].llm
    assert bool(fake.asked) == asks
    if asks:
        assert result.model == "judge-1-2026"
        assert result.usage is not None and result.usage.requests == len(fake.asked)
        assert result.usage.cost_usd == pytest.approx(110e-6 * len(fake.asked))
    assert os.environ["RAGAS_DO_NOT_TRACK"] == "true"


@pytest.mark.parametrize(
    "name",
    [n for n in sorted(ragas.NAMES) if ragas.METRICS[n.removeprefix("ragas_")].llm],
)
def test_garbage_is_unparsable_and_never_a_number(name: str) -> None:
    sample, options = needed(name)
    result, _ = score(name, in_turn(says("I would say so.")), sample, **options)
    assert result.status == "error" and math.isnan(result.value)
    assert result.reason.startswith("unparsable: ")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (error(401, "no such key"), "denied"),
        (error(500, "down"), "server_error"),
        (error(400, "maximum context length is 8"), "too_long"),
        (says("", refusal="No."), "refused"),
        (says('{"statements": 3}'), "unparsable: statements"),
    ],
)
def test_failures_of_the_endpoint_keep_their_kind(reply: Reply, reason: str) -> None:
    result, _ = score("ragas_faithfulness", in_turn(reply))
    assert (result.status, result.reason.split(":")[0]) == ("error", reason.split(":")[0])
    assert result.reason.startswith(reason)


def test_an_endpoint_without_structured_output_is_asked_in_a_simpler_way() -> None:
    def old(_: Fake, body: dict[str, Any]) -> Reply:
        if "response_format" in body:
            return error(400, "response_format is not supported")
        return says('```json\n{"statements": []}\n```')

    with serving(old) as fake:
        made = evaluator("ragas_faithfulness", fake)
        first, second = judge(made, [SAMPLE]), judge(made, [SAMPLE])
    assert [r.status for r in (*first, *second)] == ["error", "error"]  # nothing was stated
    assert first[0].reason == "unparsable: RAGAS came to no number"
    assert len(fake.asked) == 4  # what it does not take is asked once


def test_one_sample_that_fails_costs_no_other() -> None:
    def picky(fake: Fake, body: dict[str, Any]) -> Reply:
        bad = "Atlantis" in body["messages"][-1]["content"]
        return says("no") if bad else kind(fake, body)

    lost = Sample(**{**_fields(SAMPLE), "question": "Where is Atlantis?"})
    with serving(picky) as fake:
        results = judge(evaluator("ragas_faithfulness", fake), [SAMPLE, lost, SAMPLE])
    assert [r.status for r in results] == ["scored", "error", "scored"]


def test_a_reference_that_is_no_list_of_calls_is_an_error() -> None:
    result, _ = score("ragas_tool_call_f1")
    assert result.reason == "unparsable: reference is not JSON"


def test_options_change_the_version_and_unknown_ones_are_refused() -> None:
    with serving(kind) as fake:
        plain = evaluator("ragas_rouge_score", fake)
        other = evaluator("ragas_rouge_score", fake, rouge_type="rouge1")
        assert plain.version != other.version
        with pytest.raises(ValueError, match="ragas_rouge_score: rouge is not known"):
            evaluator("ragas_rouge_score", fake, rouge="1")
        with pytest.raises(ValueError, match="give `rubrics`"):
            evaluator("ragas_instance_rubrics", fake)


@pytest.mark.slow  # decodes some hundred tokens on the CPU
def test_the_local_model_gives_a_number_or_a_typed_error_offline(packaged_model: Path) -> None:
    backend = Backends({}).get(LOCAL, {})
    (result,) = judge(ready.make("ragas_faithfulness", backend, EMBEDDER, {}), [SAMPLE])
    if result.status == "error":
        assert result.reason.startswith("unparsable: ")
    else:
        assert 0 <= result.value <= 1
