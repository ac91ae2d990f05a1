"""What a judge backend is: questions in, one typed result per question out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from evaluators.base import Result
from evaluators.judges.question import Question


class Backend(Protocol):
    """Something that answers questions by a label: a local model or an endpoint.

    `model` is the one that is configured; a result names the one that answered. `spec` is what of
    the backend changes a verdict, and so belongs to the version of every evaluator that uses it.
    `per_call` is how many questions a caller should hand over at once.
    """

    name: str
    model: str
    per_call: int

    @property
    def spec(self) -> Mapping[str, Any]: ...

    def ask(self, questions: Sequence[Question]) -> list[Result]:
        """One result per question, in order. Failures are results, never exceptions."""
