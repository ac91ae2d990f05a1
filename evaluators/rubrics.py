"""Rubrics that users write, as evaluators: criteria in words, read by a judge (after G-Eval,
arXiv 2303.16634, with the verdict from label probabilities where the judge offers them)."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Result, version_of
from evaluators.judges.backend import Backend
from evaluators.judges.question import Part, Question
from schemas.judging import RubricPolicy
from schemas.models import Sample

SYSTEM = "You judge texts by the criteria below, and by nothing else.\n\nCriteria:\n{criteria}"
SYSTEM_AFTER = (
    "Criteria:\n{criteria}"  # behind the sample; what comes first then is the same for all
)
STEPS = "\n\nGo through these steps:\n{steps}"
ASK = "Judge the {judged} by the criteria."
REVISION = 1  # raise it when the prompt changes
_FIELDS = {"context": "documents"}  # a Sample's name, where it is another
_SAID = frozenset({"question", "answer"})
TURNS = "conversation"
_ORDER = ("question", "context", "reference", "answer")  # what is judged comes last


class Rubric:
    """Its version names criteria, labels, prompt and judge, not whom it is asked about. At level
    session the judge sees the turns in order, as one conversation."""

    def __init__(self, name: str, policy: RubricPolicy, judge: Backend) -> None:
        self.name = name
        self.level = policy.level
        self.needs = tuple(_FIELDS.get(need, need) for need in policy.needs)
        self.probability = policy.sample
        self.model = judge.model
        self.judge = judge.name
        self.batch = judge.per_call
        self.backend = judge
        self._parts = [field for field in _ORDER if field in policy.needs]
        if self.level == "session" and _SAID & set(self._parts):
            self._parts = [field for field in self._parts if field not in _SAID] + [TURNS]
        self.sample_first = policy.first == "sample"
        self._labels = policy.labels
        self._prior = policy.prior
        system = SYSTEM_AFTER if self.sample_first else SYSTEM
        self._system = system.format(criteria=policy.criteria.strip())
        if policy.steps:
            steps = "\n".join(f"{n}. {step}" for n, step in enumerate(policy.steps, 1))
            self._system += STEPS.format(steps=steps)
        self._ask = ASK.format(judged=self._parts[-1])
        self.version = version_of(
            {
                **({"level": self.level} if self.level != "trace" else {}),
                "system": self._system, "ask": self._ask, "labels": policy.labels,
                "parts": self._parts, "revision": REVISION, "backend": dict(judge.spec),
                **({"prior": policy.prior} if policy.prior else {}),
                **({"first": policy.first} if self.sample_first else {}),
            }
        )  # fmt: skip

    def label(self, value: float) -> str:
        """The label whose worth is nearest to a value."""
        return min(self._labels, key=lambda pair: abs(pair[1] - value))[0]

    def question(self, sample: Sample) -> Question:
        """Only what the rubric names is shown; the context is cut first."""
        texts = {
            "question": sample.question, "context": "\n\n".join(sample.documents),
            "reference": sample.reference, "answer": sample.answer, TURNS: _turns(sample),
        }  # fmt: skip
        elastic = {"context", TURNS}
        parts = tuple(Part(name, texts[name], elastic=name in elastic) for name in self._parts)
        return Question(
            self._system, parts, self._ask, self._labels, self._prior, self.sample_first
        )

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return self.backend.ask([self.question(sample) for sample in samples])


def _turns(sample: Sample) -> str:
    turns = sample.turns or ((sample.question, sample.answer),)
    return "\n\n".join(f"User: {asked}\n\nAssistant: {said}" for asked, said in turns)
