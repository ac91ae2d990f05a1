"""Whether documents support texts, by the groundedness model, for evaluators that ask it about
parts of an answer or a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from evaluators.base import Evaluator, Resources
from evaluators.metrics.groundedness import groundedness
from schemas.models import Sample


@dataclass(frozen=True, slots=True)
class Claim:
    """A text, the question that it answers ('' if none), and what should support it."""

    text: str
    documents: tuple[str, ...]
    question: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`value` in [0, 1]; `supported`: whether it reaches the model's own threshold."""

    value: float
    supported: bool


class Support:
    """Asks the groundedness evaluator; its version belongs to that of whoever asks."""

    def __init__(self, inner: Evaluator) -> None:
        self._inner = inner
        self.version = inner.version

    def of(self, claims: Sequence[Claim]) -> list[Verdict]:
        """One verdict per claim of one sentence, in order; without documents (0, False)."""
        samples = [Sample("", "", "", "", 0, c.question, c.text, c.documents) for c in claims]
        found = iter(self._inner.evaluate([s for s in samples if any(s.documents)]))
        out = []
        for sample in samples:
            if not any(sample.documents):
                out.append(Verdict(0.0, False))
                continue
            result = next(found)
            if result.status != "scored":
                raise RuntimeError(f"groundedness: {result.reason}")
            # Rounded, since the padding of a batch moves the last bits.
            yes = not result.explanation.startswith("unsupported")
            out.append(Verdict(round(result.value, 4), yes))
        return out


@cache
def support() -> Support:
    """One for all that ask, so that its weights are loaded once."""

    class _None:
        name = ""

        def embed(self, texts: Sequence[str]) -> None:
            raise NotImplementedError("groundedness embeds nothing")

    return Support(groundedness(Resources(_None())))
