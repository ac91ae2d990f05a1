"""Evaluators that the control state defines: rubrics, and built-in ones by a judge of one's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from evaluators.base import Evaluator
from evaluators.judges.backend import Backend
from evaluators.judges.backends import Backends
from evaluators.metrics.llm_judge import LlmJudge
from evaluators.metrics.pairwise import Pairwise
from evaluators.rubrics import Rubric
from schemas.control import Control

log = logging.getLogger(__name__)
ASKING: dict[str, Callable[[Backend], Evaluator]] = {"llm_judge": LlmJudge, "pairwise": Pairwise}


class Defined:
    """Builds them each time that it is asked, on judges that are kept; what cannot be built is
    left out, and said once for as long as the reason stays the same."""

    def __init__(self, backends: Backends, taken: Collection[str] = ()) -> None:
        self._backends = backends
        self._taken = frozenset(taken)
        self._said: dict[str, str] = {}

    def __call__(self, control: Control) -> list[Evaluator]:
        """The evaluators of a state of control, by name."""
        made: list[Evaluator] = []
        wanted = {n: p.judge for n, p in control.rubrics.items() if p.enabled}
        for name in ASKING:
            policy = control.evaluators.get(name)
            if policy is not None and policy.judge:
                wanted[name] = policy.judge
        for name, judge in sorted(wanted.items()):
            try:
                if name in self._taken:
                    raise ValueError("a built-in evaluator has this name")
                backend = self._backends.get(judge, control.judges)
            except ValueError as error:
                if self._said.get(name) != str(error):
                    log.warning("evaluator %s is left out: %s", name, error)
                self._said[name] = str(error)
                continue
            self._said.pop(name, None)
            asks_rubric = name in control.rubrics
            made.append(
                Rubric(name, control.rubrics[name], backend)
                if asks_rubric
                else ASKING[name](backend)
            )
        return made

    def why_not(self, name: str) -> str:
        """Why an evaluator was left out, '' where it was not."""
        return self._said.get(name, "")
