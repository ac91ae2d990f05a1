"""Who scores what: the evaluators that run, at which level, on which traffic, on how much of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluators.base import Evaluator, version_of
from evaluators.joint import joins
from schemas.control import Control, EvaluatorPolicy
from schemas.evaluation import EvaluationPolicy, Item

BATCH = 512
MOST = 20_000  # items of a batch, most of which are not drawn


@dataclass(frozen=True, slots=True)
class Assignment:
    """One evaluator at one level. `rules` by name: only what one of them takes is scored; none:
    all traffic. `probability` is what counts without a rule, or where one names none."""

    evaluator: Evaluator
    level: str
    quiet: int
    probability: float
    rules: tuple[tuple[str, EvaluationPolicy], ...] = ()

    @property
    def name(self) -> str:
        return self.evaluator.name

    @property
    def version(self) -> str:
        """Another level is another version: its scores are never mixed."""
        if self.level == self.evaluator.level:
            return self.evaluator.version
        return version_of({"of": self.evaluator.version, "level": self.level})

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of span that hold what the evaluator needs."""
        needs = set(self.evaluator.needs)
        if "tools" in needs:
            return ("TOOL",)
        return ("RETRIEVER",) if needs and needs <= {"question", "documents"} else ("LLM",)

    @property
    def sees(self) -> tuple[str, ...]:
        """What two assignments have in common that look at the same items."""
        return (self.level, *(self.kinds if self.level == "span" else ()))

    def chance(self, item: Item) -> tuple[float, str]:
        """(probability, name of the rule): of several rules the most generous counts, since all
        draw by the same hash."""
        if not self.rules:
            return self.probability, ""
        taken = [self.rules[number] for number in item.rules]
        name, policy = max(taken, key=lambda rule: self._share(rule[1]))
        return self._share(policy), name

    def _share(self, policy: EvaluationPolicy) -> float:
        return self.probability if policy.sample is None else policy.sample

    def size(self, factor: float = 1.0, among: int = 1) -> int:
        """Items to look at in one batch: of a judge that costs time or money as many as leave about
        its `batch` to judge, so that little is done twice after a crash; `among` so many evaluators
        that are asked together."""
        few = max(1, int(getattr(self.evaluator, "batch", BATCH)) // among)
        share = max((self._share(p) for _, p in self.rules), default=self.probability) * factor
        return BATCH if share * BATCH <= few else max(1, min(MOST, int(few / share)))


def bundles(found: Sequence[Assignment]) -> list[tuple[Assignment, ...]]:
    """The assignments in order; those that join (see joint.py) and have judge, level and quiet time
    in common as one, at the place of the first."""
    made: dict[object, list[Assignment]] = {}
    for number, each in enumerate(found):
        one = each.evaluator
        key = (id(one.backend), each.sees, each.quiet) if joins(one) else number
        made.setdefault(key, []).append(each)
    return [tuple(several) for several in made.values()]


def slow(evaluator: Evaluator) -> bool:
    """Whether it asks a judge, or looks at a sample only because it takes long."""
    return evaluator.probability < 1 or hasattr(evaluator, "judge")


def share(evaluator: Evaluator, policies: Mapping[str, EvaluatorPolicy], ruled: bool = False
          ) -> float:  # fmt: skip
    """The probability with which an evaluator judges; 0 where it is switched off. `ruled`: a rule
    names it, which is asking enough for one that runs on demand."""
    asked = ruled or evaluator.name in policies or not getattr(evaluator, "on_demand", False)
    policy = policies.get(evaluator.name, EvaluatorPolicy())
    if not asked or not policy.enabled:
        return 0.0
    return evaluator.probability if policy.sample is None else policy.sample


def whole(evaluator: Evaluator, quiet: int) -> Assignment:
    """All traffic, as the evaluator comes."""
    return Assignment(evaluator, evaluator.level, quiet, evaluator.probability)


def assignments(
    evaluators: Sequence[Evaluator], state: Control, project: str, quiet: int
) -> list[Assignment]:
    """What is to be done in a project: what takes all traffic first, what asks a judge last. An
    evaluator that a rule of any project names scores what its rules take and nothing else."""
    made: list[Assignment] = []
    for evaluator in evaluators:
        rules = {
            name: rule for name, rule in sorted(state.evaluation.items())
            if rule.enabled and evaluator.name in rule.evaluators
        }  # fmt: skip
        probability = share(evaluator, state.evaluators, bool(rules))
        if not rules:
            if probability > 0:
                made.append(Assignment(evaluator, evaluator.level, quiet, probability))
            continue
        policy = state.evaluators.get(evaluator.name, EvaluatorPolicy())
        by_level: dict[str, list[tuple[str, EvaluationPolicy]]] = {}
        for name, rule in rules.items():
            if policy.enabled and (not rule.project or project in rule.project):
                by_level.setdefault(rule.level or evaluator.level, []).append((name, rule))
        for level, mine in by_level.items():
            waits = max(quiet if rule.quiet is None else rule.quiet for _, rule in mine)
            made.append(Assignment(evaluator, level, waits, probability, tuple(mine)))
    return sorted(made, key=lambda each: (slow(each.evaluator), bool(each.rules), each.name))
