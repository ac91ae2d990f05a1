"""Evaluators that the control state defines: rubrics, those that ask a judge of one's own or need
one (`evaluators.ready`), and built-in ones with options."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from evaluators import ready
from evaluators.base import Evaluator, Resources, TextEmbedder
from evaluators.judges.backend import Backend
from evaluators.judges.backends import Backends
from evaluators.metrics.llm_judge import LlmJudge
from evaluators.metrics.pairwise import Pairwise
from evaluators.rubrics import Rubric
from schemas.control import Control, EvaluatorPolicy
from schemas.judging import LOCAL
from schemas.registry import load

log = logging.getLogger(__name__)
ASKING: dict[str, Callable[[Backend], Evaluator]] = {"llm_judge": LlmJudge, "pairwise": Pairwise}


class Defined:
    """Builds them each time that it is asked, on judges that are kept; what cannot be built is
    left out, and said once for as long as the reason stays the same."""

    def __init__(
        self, backends: Backends, taken: Collection[str] = (), embedder: TextEmbedder | None = None
    ) -> None:
        self._backends = backends
        self._taken = frozenset(taken)
        self._embedder = embedder
        self._said: dict[str, str] = {}
        self._shared: dict[str, Any] = {}
        self._kept: dict[str, tuple[Any, Evaluator]] = {}

    def __call__(self, control: Control) -> list[Evaluator]:
        """The evaluators of a state of control, by name."""
        wanted: dict[str, Callable[[], Evaluator]] = {}
        for name, rubric in control.rubrics.items():
            if rubric.enabled:
                wanted[name] = lambda n=name, p=rubric: Rubric(  # type: ignore[misc]
                    n, p, self._backends.get(p.judge, control.judges)
                )
        for name, policy in control.evaluators.items():
            if not policy.enabled or name in control.rubrics:
                continue
            if name in ASKING and policy.judge:
                wanted[name] = lambda n=name, p=policy: ASKING[n](  # type: ignore[misc]
                    self._backends.get(p.judge, control.judges)
                )
            elif name in ready.names() or policy.options:
                wanted[name] = lambda n=name, p=policy: self._by_name(  # type: ignore[misc]
                    n, p, control
                )
        made: list[Evaluator] = []
        for name, maker in sorted(wanted.items()):
            try:
                if name in control.rubrics and name in self._taken | ready.names():
                    raise ValueError("a built-in evaluator has this name")
                made.append(maker())
            except ValueError as error:
                if self._said.get(name) != str(error):
                    log.warning("evaluator %s is left out: %s", name, error)
                self._said[name] = str(error)
                continue
            self._said.pop(name, None)
        return made

    @cached_property
    def _factories(self) -> Mapping[str, Callable[[Resources], Evaluator | None]]:
        return load("evaluator", "evaluators.metrics")

    def _by_name(self, name: str, policy: EvaluatorPolicy, control: Control) -> Evaluator:
        """A ready one on its judge, or a built-in one with options; kept while these stay."""
        if self._embedder is None:
            raise ValueError("it cannot be made here")
        if name in ready.names():
            judge = policy.judge or ("default" if "default" in control.judges else LOCAL)
            backend = self._backends.get(judge, control.judges)
            key: Any = (json.dumps(policy.options, sort_keys=True), id(backend))
        elif name in self._factories:
            key = json.dumps(policy.options, sort_keys=True)
        else:
            raise ValueError(f"no evaluator is named {name}")
        kept = self._kept.get(name)
        if kept is not None and kept[0] == key:
            return kept[1]
        if name in ready.names():
            made: Evaluator | None = ready.make(name, backend, self._embedder, policy.options)
        else:
            made = self._factories[name](Resources(self._embedder, policy.options, self._shared))
        if made is None:
            raise ValueError("its model is not installed")
        self._kept[name] = key, made
        return made

    def why_not(self, name: str) -> str:
        """Why an evaluator was left out, '' where it was not."""
        return self._said.get(name, "")
