"""What a search box says, as words and conditions: `refund status=ERROR duration_ms>2000`."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass

OPERATORS = ("=", "!=", ">=", "<=", ">", "<")
TEXTS = ("model", "prompt_version", "service_version", "environment", "document_source", "service",
         "status", "session_id", "user_id", "kind", "name", "prompt_name", "error_type", "provider",
         "finish_reason")  # fmt: skip
# Field -> its value for one span.
NUMBERS = {
    "duration_ms": "(duration_ns / 1e6)", "first_token_ms": "(first_token_ns / 1e6)",
    "input_tokens": "input_tokens", "output_tokens": "output_tokens", "cost_usd": "cost_usd",
    "input_length": "input_length", "output_length": "output_length",
}  # fmt: skip
SCORE = "score."
_PART = re.compile(r"([A-Za-z_][\w.:/-]*?)(!=|>=|<=|=|>|<)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` is of TEXTS or NUMBERS, `score.<evaluator>`, or else an attribute's key."""

    field: str
    operator: str
    value: str

    def __str__(self) -> str:
        said = f"{self.field}{self.operator}{self.value}"
        return shlex.quote(said) if re.search(r"[\s'\"\\]", said) else said

    @property
    def number(self) -> float:
        return float(self.value)

    @property
    def is_score(self) -> bool:
        return self.field.startswith(SCORE)


@dataclass(frozen=True, slots=True)
class Query:
    """`words` stand in the texts of one span; every condition holds for the trace."""

    words: str = ""
    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        words = [shlex.quote(w) if re.search(r"['\"\\]", w) else w for w in self.words.split()]
        return " ".join([*words, *map(str, self.conditions)])


def parse(said: str) -> Query:
    """Read a search. A value with spaces stands in quotes. Raises ValueError that says what is
    wrong with it."""
    try:
        parts = shlex.split(said)
    except ValueError as error:
        raise ValueError(f"{error}: close the quote, or leave it out") from error
    words, found = [], []
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None:
            words.append(part)
            continue
        condition = Condition(*match.groups())
        _check(condition)
        found.append(condition)
    return Query(" ".join(words), tuple(found))


def _check(condition: Condition) -> None:
    numeric = condition.field in NUMBERS or condition.is_score
    if numeric or condition.operator not in {"=", "!="}:
        if condition.field in TEXTS:
            raise ValueError(f"{condition.field} is text: it can be = or !=")
        try:
            finite = math.isfinite(float(condition.value))
        except ValueError:
            finite = False
        if not finite:
            raise ValueError(f"{condition.field}{condition.operator} needs a number")
