"""The judges that the control state names, each made once while its policy stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evaluators.judges import torch_lm
from evaluators.judges.backend import Backend
from evaluators.judges.openai_api import OpenAIJudge
from schemas.judging import LOCAL, JudgePolicy

_LOCAL = JudgePolicy(backend="torch")


class Backends:
    """Makes and keeps judges: connections, what an endpoint can do, and what is spent today."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._made: dict[str, tuple[JudgePolicy, Backend]] = {}

    def get(self, name: str, policies: Mapping[str, JudgePolicy]) -> Backend:
        """The judge `name`. Raises ValueError with a sentence where it cannot be made."""
        policy = policies.get(name, _LOCAL if name == LOCAL else None)
        if policy is None:
            raise ValueError(f"there is no judge {name!r}")
        before = self._made.get(name)
        if before is not None and before[0] == policy:
            return before[1]
        self._made[name] = policy, self._make(name, policy)
        if before is not None and isinstance(before[1], OpenAIJudge):
            before[1].close()
        return self._made[name][1]

    def _make(self, name: str, policy: JudgePolicy) -> Backend:
        if policy.backend == "torch":
            return _torch(name, policy.model)
        key = self._environ.get(policy.key, "").strip() if policy.key else ""
        if policy.key and not key:
            raise ValueError(f"judge {name}: the environment variable {policy.key} is not set")
        return OpenAIJudge(name, policy, key)


def _torch(name: str, model: str) -> Backend:
    """The model in a folder or GGUF file; without one the small model of an installed package."""
    path = Path(model) if model else torch_lm.model_file()
    if path is None:
        raise ValueError(f"judge {name}: package {torch_lm.PACKAGE} is not installed")
    if not path.exists():
        raise ValueError(f"judge {name}: there is no {path}")
    return torch_lm.TorchJudge(path, path.name if model else torch_lm.MODEL)
