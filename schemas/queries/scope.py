"""Which queries see more than one project: those that say so here, and why.

Every other query function takes a `project` and sees nothing else; a test tries each with two
projects whose ids are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])
MARK = "__assay_across_projects__"


def across_projects(reason: str) -> Callable[[F], F]:
    """Mark a function of processes and operators that no page may call with a user's words."""

    def mark(function: F) -> F:
        setattr(function, MARK, reason)
        return function

    return mark
