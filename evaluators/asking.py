"""What evaluators that put questions to a judge have in common."""

from __future__ import annotations

import logging
from typing import Any

from evaluators.base import version_of
from evaluators.judges import loading, torch_lm
from evaluators.judges.backend import Backend

log = logging.getLogger(__name__)


class Asking:
    """The figures of its judge, by which the worker batches and budgets; the version names prompt
    and judge."""

    level = "trace"
    on_demand = True

    def __init__(self, judge: Backend, prompt: Any) -> None:
        self.backend = judge
        self.model = judge.model
        self.judge = judge.name
        self.batch = judge.per_call
        self.version = version_of({"prompt": prompt, "backend": dict(judge.spec)})


def packaged(name: str) -> Backend | None:
    """The judge whose model a package carries; None, said once in the log for the evaluator
    `name`, where that is not installed."""
    path = loading.packaged()
    if path is None:
        log.info("%s is left out: package %s is not installed", name, loading.PACKAGE)
        return None
    return torch_lm.TorchJudge(path)
