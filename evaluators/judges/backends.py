"""The judges that the control state names, each made once while its policy stays the same."""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.judges import loading, torch_lm
from evaluators.judges.backend import Backend
from evaluators.judges.jury import Jury
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
        if policy.backend == "jury":
            return self._jury(name, policy, policies)
        if before is not None and before[0] == policy:
            return before[1]
        self._made[name] = policy, self._make(name, policy)
        if before is not None and isinstance(before[1], OpenAIJudge):
            before[1].close()
        return self._made[name][1]

    def _jury(self, name: str, policy: JudgePolicy, policies: Mapping[str, JudgePolicy]) -> Backend:
        """Kept for as long as its members are: one of them may have changed."""
        for member in policy.members:
            if member in policies and policies[member].backend == "jury":
                raise ValueError(f"judge {name}: {member} is a jury itself")
        members = [(each, self.get(each, policies)) for each in policy.members]
        before = self._made.get(name)
        if before is None or not isinstance(before[1], Jury) or before[1].members != members:
            self._made[name] = policy, Jury(name, members)
        return self._made[name][1]

    def _make(self, name: str, policy: JudgePolicy) -> Backend:
        if policy.backend == "torch":
            return _torch(name, policy)
        key = self._environ.get(policy.key, "").strip() if policy.key else ""
        if policy.key and not key:
            raise ValueError(f"judge {name}: the environment variable {policy.key} is not set")
        return OpenAIJudge(name, policy, key)


def _torch(name: str, policy: JudgePolicy) -> Backend:
    """The model in a folder or GGUF file, or of a Hugging Face name in the local cache; without one
    the small model of an installed package."""
    try:
        path = (
            loading.resolve(policy.model, policy.download) if policy.model else loading.packaged()
        )
    except ValueError as error:
        raise ValueError(f"judge {name}: {error}") from None
    if path is None:
        raise ValueError(f"judge {name}: package {loading.PACKAGE} is not installed")
    longest = torch_lm.LONGER if policy.model else torch_lm.MAX_TOKENS
    setup = torch_lm.Setup(policy.device, policy.dtype, policy.compile, tokens=longest)
    # A name is told as it was given, a path by its last part: it is stored with every score.
    named = policy.model if "snapshots" in path.parts else path.name
    model = named if policy.model else loading.MODEL
    return torch_lm.TorchJudge(path, model, setup)
