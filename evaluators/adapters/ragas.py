"""RAGAS 0.4 metrics as evaluators `ragas_NAME`, on a judge of ours and our embedder.

What RAGAS makes NaN, swallows or raises comes out as a typed error, never as a number. Its usage
reports are switched off. RAGAS is imported at the first build (some seconds), from the extra
`ragas`.
"""

from __future__ import annotations

import asyncio
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evaluators import calls
from evaluators.base import Result, TextEmbedder, Usage, failed, scored, unscored, version_of
from evaluators.judges.backend import Backend
from evaluators.judges.completion import Completer, Writes, found_json
from evaluators.judges.failure import Failure
from schemas.models import Sample

AT_ONCE = 4  # samples; RAGAS asks several questions of each at a time
_Q, _A, _D, _R = "question", "answer", "documents", "reference"


@dataclass(frozen=True, slots=True)
class Metric:
    """`inputs` maps what RAGAS calls an argument to what is given; `span`: the least and the
    greatest value. `options` are those that a user may set."""

    kind: str  # the class in ragas.metrics.collections
    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    llm: bool = True
    embeds: bool = False
    span: tuple[float, float] = (0.0, 1.0)
    options: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)


_USER = ("user_input", "response")
_BOTH = ("reference", "response")
_DOCS = "retrieved_contexts"
_WORDS = partial(Metric, needs=(_A, _R), inputs=_BOTH, llm=False)
METRICS: dict[str, Metric] = {
    "agent_goal_accuracy": Metric(
        "AgentGoalAccuracyWithReference", (_Q, _A, _R), ("messages", "reference")),
    "agent_goal_accuracy_without_reference": Metric(
        "AgentGoalAccuracyWithoutReference", (_Q, _A), ("messages",)),
    "answer_accuracy": Metric("AnswerAccuracy", (_Q, _A, _R), (*_USER, "reference")),
    "answer_correctness": Metric(
        "AnswerCorrectness", (_Q, _A, _R), (*_USER, "reference"), embeds=True),
    "answer_relevancy": Metric("AnswerRelevancy", (_Q, _A), _USER, embeds=True,
                               options=("strictness",)),
    "bleu_score": _WORDS("BleuScore"),
    "chrf_score": _WORDS("CHRFScore"),
    "context_entity_recall": Metric("ContextEntityRecall", (_D, _R), ("reference", _DOCS)),
    "context_precision": Metric(
        "ContextPrecisionWithReference", (_Q, _D, _R), ("user_input", "reference", _DOCS)),
    "context_recall": Metric("ContextRecall", (_Q, _D, _R), ("user_input", _DOCS, "reference")),
    "context_relevance": Metric("ContextRelevance", (_Q, _D), ("user_input", _DOCS)),
    "context_utilization": Metric("ContextUtilization", (_Q, _A, _D), (*_USER, _DOCS)),
    "exact_match": _WORDS("ExactMatch"),
    "factual_correctness": Metric("FactualCorrectness", (_A, _R), _BOTH, options=("mode",)),
    "faithfulness": Metric("Faithfulness", (_Q, _A, _D), (*_USER, _DOCS)),
    "instance_rubrics": Metric(
        "InstanceSpecificRubrics", (_Q, _A), (*_USER, "rubrics"), span=(1, 5)),
    "noise_sensitivity": Metric(
        "NoiseSensitivity", (_Q, _A, _D, _R), (*_USER, "reference", _DOCS), options=("mode",)),
    "quoted_spans_alignment": Metric(
        "QuotedSpansAlignment", (_A, _D), ("response", _DOCS), llm=False),
    "response_groundedness": Metric("ResponseGroundedness", (_A, _D), ("response", _DOCS)),
    "rouge_score": _WORDS("RougeScore", options=("rouge_type", "mode")),
    "rubrics_score": Metric(
        "DomainSpecificRubrics", (_Q, _A), _USER, span=(1, 5), options=("rubrics",)),
    "rubrics_score_with_reference": Metric(
        "DomainSpecificRubrics", (_Q, _A, _R), (*_USER, "reference"), span=(1, 5),
        options=("rubrics",), fixed={"with_reference": True}),
    "semantic_similarity": Metric("SemanticSimilarity", (_A, _R), _BOTH, False, True),
    "sql_semantic_equivalence": Metric("SQLSemanticEquivalence", (_A, _R), _BOTH),
    "string_presence": _WORDS("StringPresence"),
    "string_similarity": _WORDS("NonLLMStringSimilarity"),
    "summary_score": Metric("SummaryScore", (_A, _D), ("reference_contexts", "response")),
    "tool_call_accuracy": Metric(
        "ToolCallAccuracy", ("tools", _R), ("messages", "calls"), llm=False,
        options=("strict_order",)),
    "tool_call_f1": Metric("ToolCallF1", ("tools", _R), ("messages", "calls"), llm=False),
    "topic_adherence": Metric("TopicAdherence", (_Q, _A, _R), ("messages", "topics"),
                              options=("mode",)),
}  # fmt: skip
NAMES = frozenset(f"ragas_{name}" for name in METRICS)


@cache
def _library() -> Any:
    """ragas.metrics.collections. Raises ValueError where RAGAS is not installed."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries that it imports
            import ragas.metrics.collections as library

            return library
    except ImportError as error:
        said = f"RAGAS cannot be used: {error}; install the extra: pip install '.[ragas]'"
        raise ValueError(said) from None


@dataclass(slots=True)
class Asked:
    """What one sample took, and what failed and was not asked again with success."""

    usage: Usage = field(default_factory=Usage)
    model: str = ""
    open: dict[str, Failure] = field(default_factory=dict)


@cache
def _bridges() -> tuple[type[Any], type[Any]]:
    """Our judge and our embedder as RAGAS wants them: classes that derive from its own."""
    _library()
    from pydantic import ValidationError
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.llms.base import InstructorBaseRagasLLM

    class Judge(InstructorBaseRagasLLM):  # type: ignore[misc]
        """A completer whose replies are read as the model that RAGAS expects."""

        def __init__(self, completer: Completer, asked: Asked) -> None:
            self._completer, self._asked = completer, asked

        def generate(self, prompt: str, response_model: Any) -> Any:
            try:
                done = self._completer.complete(prompt, response_model.model_json_schema())
                self._asked.usage += done.usage
                self._asked.model = done.model or self._asked.model
                made = self._read(done.text, response_model)
            except Failure as failure:
                self._asked.open[prompt] = failure
                calls = failure.calls if failure.kind != "unparsable" else 0
                self._asked.usage += Usage(calls, max(0, calls - 1), failed=1)
                raise
            self._asked.open.pop(prompt, None)
            return made

        def _read(self, text: str, response_model: Any) -> Any:
            try:
                return response_model.model_validate(found_json(text))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                raise Failure("unparsable", f"{where}: {first['msg']}"[:200]) from None

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            return await asyncio.to_thread(self.generate, prompt, response_model)

    class Embeddings(BaseRagasEmbedding):  # type: ignore[misc]
        """Our embedder."""

        def __init__(self, embedder: TextEmbedder) -> None:
            super().__init__()
            self._embedder = embedder

        def embed_text(self, text: str, **_: Any) -> list[float]:
            return self.embed_texts([text])[0]

        def embed_texts(self, texts: list[str], **_: Any) -> list[list[float]]:
            return [[float(x) for x in vector] for vector in self._embedder.embed(texts)]

        async def aembed_text(self, text: str, **_: Any) -> list[float]:
            return self.embed_text(text)

        async def aembed_texts(self, texts: list[str], **_: Any) -> list[list[float]]:
            return self.embed_texts(texts)

    return Judge, Embeddings


class RagasEvaluator:
    """One metric; every sample has an instance of its own, so that its failures are its own."""

    level = "trace"
    probability = 1.0
    on_demand = True

    def __init__(
        self, name: str, judge: Backend, embedder: TextEmbedder, options: Mapping[str, Any]
    ) -> None:
        self.name = name
        self._metric = METRICS[name.removeprefix("ragas_")]
        self.needs = self._metric.needs
        known = {*self._metric.options, *({"rubrics"} & set(self._metric.inputs))}
        if unknown := sorted(set(options) - known):
            raise ValueError(f"{name}: {unknown[0]} is not known; there are: {sorted(known)}")
        if "rubrics" in self._metric.inputs and not isinstance(options.get("rubrics"), dict):
            raise ValueError(f"{name}: give `rubrics`, a description for each score from 1 to 5")
        self._options, self._embedder = options, embedder
        self._completer: Completer | None = None
        spec: dict[str, Any] = {"metric": name, "options": dict(options), "revision": 1}
        self.model = embedder.name if self._metric.embeds else ""
        if self._metric.llm:
            if not isinstance(judge, Writes):
                raise ValueError(f"{name}: the judge {judge.name} cannot write replies")
            self._completer = judge.completer()
            spec["judge"] = dict(self._completer.spec)
            self.model, self.judge, self.batch = judge.model, judge.name, 16
        if self._metric.embeds:
            spec["embedder"] = embedder.name
        try:
            self.version = version_of({**spec, "ragas": version("ragas")})
        except PackageNotFoundError:
            raise ValueError("RAGAS is not installed: pip install '.[ragas]'") from None
        self._made(Asked())  # what cannot be made is said before anything is asked

    def _made(self, asked: Asked) -> Any:
        judge, embeddings = _bridges()
        given: dict[str, Any] = dict(self._metric.fixed)
        given |= {k: v for k, v in self._options.items() if k in self._metric.options}
        if self._metric.llm:
            given["llm"] = judge(self._completer, asked)
        if self._metric.embeds:
            given["embeddings"] = embeddings(self._embedder)
        try:
            return getattr(_library(), self._metric.kind)(**given)
        except Exception as error:
            raise ValueError(f"{self.name} cannot be made: {error}"[:300]) from error

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return asyncio.run(self._all(samples))

    async def _all(self, samples: Sequence[Sample]) -> list[Result]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(sample: Sample) -> Result:
            async with gate:
                return await self._one(sample)

        return list(await asyncio.gather(*map(one, samples)))

    async def _one(self, sample: Sample) -> Result:
        asked = Asked()
        try:
            made = await self._made(asked).ascore(**self._inputs(sample))
            result = self._typed(made.value, str(made.reason or ""))
        except Exception as error:
            # RAGAS wraps what its calls raise in many ways; the kind is in what was recorded.
            result = failed(_kind(error))
        if asked.open:
            first = next(iter(asked.open.values()))
            result = unscored("budget") if first.kind == "budget" else failed(str(first)[:300])
        used = asked.usage if self._metric.llm else None
        return Result(
            result.status, result.value, result.reason, result.explanation, asked.model, used
        )

    def _typed(self, value: Any, reason: str) -> Result:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return failed(f"unparsable: {str(value)[:80]!r} is no number")
        if not math.isfinite(value):
            return failed("unparsable: RAGAS came to no number")
        low, high = self._metric.span
        return scored(round((float(value) - low) / (high - low), 4), reason[:300])

    def _inputs(self, sample: Sample) -> dict[str, Any]:
        """Raises ValueError with a sentence where the reference is not what it should be."""
        out: dict[str, Any] = {}
        for name in self._metric.inputs:
            if name == "messages":
                out["user_input"] = _messages(sample)
            elif name == "calls":
                wanted = calls.reference(sample.reference)
                out["reference_tool_calls"] = [_call(call) for call in wanted]
            elif name == "topics":
                topics = [t.strip() for t in sample.reference.replace("\n", ",").split(",")]
                out["reference_topics"] = [t for t in topics if t]
            elif name == "rubrics":
                out["rubrics"] = dict(self._options["rubrics"])
            else:
                out[name] = {
                    "user_input": sample.question, "response": sample.answer,
                    "reference": sample.reference, _DOCS: list(sample.documents),
                    "reference_contexts": list(sample.documents),
                }[name]  # fmt: skip
        return out


def _kind(error: Exception) -> str:
    if isinstance(error, Failure):
        return str(error)[:300]
    if isinstance(error, ValueError):
        return f"unparsable: {error}"[:300]
    return f"{type(error).__name__}: {error}"[:300]


def _call(call: Any) -> Any:
    from ragas.messages import ToolCall

    given = calls.arguments(call.arguments)
    return ToolCall(name=call.name, args=given if isinstance(given, dict) else {"": given})


def _messages(sample: Sample) -> list[Any]:
    """A conversation of one turn: question, calls, answer."""
    from ragas.messages import AIMessage, HumanMessage

    asked = HumanMessage(content=sample.question)
    called = AIMessage(content="", tool_calls=[_call(call) for call in sample.tools])
    said = AIMessage(content=sample.answer)
    return [asked, *([called] if sample.tools else []), said]


def make(
    name: str, judge: Backend, embedder: TextEmbedder, options: Mapping[str, Any]
) -> RagasEvaluator:
    """The metric of a name in NAMES. Raises ValueError with a sentence where it cannot be made."""
    return RagasEvaluator(name, judge, embedder, options)
