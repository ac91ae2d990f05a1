"""Phoenix' classification evaluators as `phoenix_NAME`, on any judge of ours, fully offline too.

Rubric and labels are Phoenix' own; the judged texts stand under titles of their own, marked as
data, and the verdict is read as that of every question here (label probabilities where a judge has
them), not by a tool call. From the extra `phoenix`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evaluators.base import Result, version_of
from evaluators.judges.backend import Backend
from evaluators.judges.question import Part, Question
from schemas.models import Sample

CLASSES = {
    "completeness": "CompletenessEvaluator",
    "conciseness": "ConcisenessEvaluator",
    "correctness": "CorrectnessEvaluator",
    "document_relevance": "DocumentRelevanceEvaluator",
    "faithfulness": "FaithfulnessEvaluator",
    "hallucination": "HallucinationEvaluator",
    "pii_detection": "PiiDetectionEvaluator",
    "refusal": "RefusalEvaluator",
    "retrieval_relevance": "RetrievalRelevanceEvaluator",
    "toxicity": "ToxicityEvaluator",
    "user_friction": "UserFrictionEvaluator",
}
NAMES = frozenset(f"phoenix_{name}" for name in CLASSES)
PACKAGE = "arize-phoenix-evals"
# What Phoenix calls a text, and the fields of a Sample that it is made of.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "input": ("question",),
    "output": ("answer",),
    "text": ("answer",),
    "context": ("documents",),
    "document_text": ("documents",),
    "conversation": ("question", "answer"),
    "user_message": ("question",),
}
ASK = "Classify by the rubric."


@cache
def _parts(kind: str) -> tuple[str, tuple[str, ...], tuple[tuple[str, float], ...]]:
    """(rubric with titles in place of texts, the texts that it wants, labels with values) of a
    class. Raises ValueError where Phoenix is not installed, or is another one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries that it imports
            from phoenix.evals import metrics
    except ImportError as error:
        said = f"Phoenix cannot be used: {error}; install the extra: pip install '.[phoenix]'"
        raise ValueError(said) from None
    try:
        found = getattr(metrics, kind)
        wanted = tuple(sorted(found.PROMPT.variables, key=list(FIELDS).index))
        shown = {name: f"(the text with the title {name})" for name in wanted}
        messages = found.PROMPT.render(variables=shown)
        labels = tuple((str(k), float(v)) for k, v in found.CHOICES.items())
    except (AttributeError, ValueError, TypeError) as error:
        raise ValueError(f"Phoenix {version(PACKAGE)} is not as expected: {error}") from error
    texts = [messages] if isinstance(messages, str) else [str(m["content"]) for m in messages]
    return "\n\n".join(texts), wanted, labels


class PhoenixEvaluator:
    """One classification; the value is the one that Phoenix gives to the label. Which end is
    the good one is Phoenix' own direction (1 is bad for hallucination, toxicity, friction)."""

    level = "trace"
    probability = 1.0
    on_demand = True

    def __init__(self, name: str, judge: Backend) -> None:
        self.name = name
        rubric, self._wanted, self._labels = _parts(CLASSES[name.removeprefix("phoenix_")])
        self.needs = tuple(dict.fromkeys(f for text in self._wanted for f in FIELDS[text]))
        self.backend = judge
        self.model, self.judge, self.batch = judge.model, judge.name, judge.per_call
        self._system = rubric
        self.version = version_of(
            {
                "phoenix": version(PACKAGE), "metric": name, "rubric": rubric, "ask": ASK,
                "labels": self._labels, "backend": dict(judge.spec), "revision": 1,
            }
        )  # fmt: skip

    def question(self, sample: Sample) -> Question:
        """The documents are cut first, since what is judged comes after them."""
        texts: dict[str, Any] = {
            "input": sample.question, "user_message": sample.question, "output": sample.answer,
            "text": sample.answer, "context": "\n\n".join(sample.documents),
            "document_text": "\n\n".join(sample.documents),
            "conversation": f"User: {sample.question}\nAssistant: {sample.answer}",
        }  # fmt: skip
        parts = tuple(Part(n, texts[n], elastic=n in {"context", "document_text"})
                      for n in self._wanted)  # fmt: skip
        return Question(self._system, parts, ASK, self._labels)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return self.backend.ask([self.question(sample) for sample in samples])


def make(name: str, judge: Backend) -> PhoenixEvaluator:
    """The classification of a name in NAMES. Raises ValueError where it cannot be made."""
    try:
        return PhoenixEvaluator(name, judge)
    except PackageNotFoundError:
        raise ValueError(f"{PACKAGE} is not installed: pip install '.[phoenix]'") from None
