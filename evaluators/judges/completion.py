"""Free replies of a judge, for libraries that bring prompts of their own (RAGAS).

A backend that can write has `completer()`. Failures are the kinds of `evaluators.judges.failure`,
and `budget` where the day's money is spent; nothing comes back as a number that was not said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from evaluators.base import Usage
from evaluators.judges.budget import Budget
from evaluators.judges.endpoint import Endpoint
from evaluators.judges.failure import Failure
from evaluators.judges.prices import Price
from evaluators.judges.question import inert
from schemas.judging import JudgePolicy

FORMATS = ("json_schema", "json_object", "")  # asked for in this order until one is taken
PROMPT_TOKENS, REPLY_TOKENS = 3072, 256  # of a local model
CHARACTERS_PER_TOKEN = 3.0  # a cautious guess, for what is held of the budget


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply; `model`: the one that answered, where it names itself."""

    text: str
    usage: Usage
    model: str = ""


class Completer(Protocol):
    """Writes replies; threads may share it. `spec` is what changes a reply."""

    @property
    def spec(self) -> Mapping[str, Any]: ...

    def complete(self, prompt: str, schema: Mapping[str, Any]) -> Completion:
        """The reply to a prompt that asks for JSON of a schema. Raises Failure."""


@runtime_checkable
class Writes(Protocol):
    """A backend that can write."""

    def completer(self) -> Completer: ...


class EndpointCompleter:
    """Over an OpenAI-compatible endpoint, with its retries, pauses, price and budget."""

    def __init__(
        self, endpoint: Endpoint, policy: JudgePolicy, price: Price | None, budget: Budget
    ) -> None:
        self._endpoint, self._policy, self._price, self._budget = endpoint, policy, price, budget
        self._format = 0

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"model": self._policy.model, "reply": self._policy.max_reply_tokens, "revision": 1}

    def complete(self, prompt: str, schema: Mapping[str, Any]) -> Completion:
        if self._budget.limited and self._price is None:
            raise Failure("budget", f"{self._policy.model} has no known price", calls=0)
        tokens = int(len(prompt) / CHARACTERS_PER_TOKEN)
        held = self._price(tokens + 200, self._policy.max_reply_tokens) if self._price else 0.0
        if not self._budget.reserve(held):
            raise Failure("budget", "", calls=0)
        spent = 0.0
        try:
            made = self._asked(prompt[: self._policy.max_input_chars], schema, tokens)
            spent = made.usage.cost_usd
            return made
        finally:
            self._budget.settle(held, spent)

    def _asked(self, prompt: str, schema: Mapping[str, Any], tokens: int) -> Completion:
        tried = 0
        while True:
            at = self._format
            body: dict[str, Any] = {
                "model": self._policy.model, "temperature": 0,
                "max_tokens": self._policy.max_reply_tokens,
                "messages": [{"role": "user", "content": inert(prompt)}],
            }  # fmt: skip
            if FORMATS[at] == "json_schema":
                named = {"name": "reply", "schema": dict(schema)}
                body["response_format"] = {"type": "json_schema", "json_schema": named}
            elif FORMATS[at]:
                body["response_format"] = {"type": FORMATS[at]}
            try:
                answer = self._endpoint.post(body, tokens)
            except Failure as failure:
                if failure.kind == "rejected" and FORMATS[at] and tried < len(FORMATS):
                    self._format, tried = at + 1, tried + 1
                    continue
                raise
            choice = answer.body["choices"][0]
            said = choice["message"].get("content")
            if choice["message"].get("refusal") or choice.get("finish_reason") == "content_filter":
                raise Failure("refused", str(choice["message"].get("refusal") or "")[:200])
            return Completion(
                said if isinstance(said, str) else "",
                self._used(answer.body, answer.calls + tried),
                str(answer.body.get("model") or "")[:200],
            )

    def _used(self, body: Mapping[str, Any], calls: int) -> Usage:
        said = body.get("usage")
        given = said if isinstance(said, dict) else {}
        pair = [given.get(f"{side}_tokens") for side in ("prompt", "completion")]
        used_in, used_out = (n if isinstance(n, int) and n >= 0 else 0 for n in pair)
        cost = self._price(used_in, used_out) if self._price else 0.0
        return Usage(calls, calls - 1, 0, used_in, used_out, cost, int(self._price is None))


class Local(Protocol):
    """A local model that can write."""

    model: str

    def written(self, prompt: str, most: int, reply: int) -> tuple[str, int, int]:
        """(reply, tokens read, tokens written)."""


class TorchCompleter:
    """By greedy decoding of a local model, one prompt at a time: the slow way, and offline."""

    def __init__(self, judge: Local) -> None:
        self._judge = judge

    @property
    def spec(self) -> Mapping[str, Any]:
        limits = {"prompt": PROMPT_TOKENS, "reply": REPLY_TOKENS}
        return {"model": self._judge.model, **limits, "revision": 1}

    def complete(self, prompt: str, schema: Mapping[str, Any]) -> Completion:
        text, used_in, used_out = self._judge.written(inert(prompt), PROMPT_TOKENS, REPLY_TOKENS)
        return Completion(text, Usage(0, 0, 0, used_in, used_out), self._judge.model)


def found_json(text: str) -> Any:
    """The JSON object or list in a reply, code fences and words around it left out. Raises
    Failure('unparsable')."""
    starts: Sequence[int] = [i for i, c in enumerate(text) if c in "{["][:20]
    for start in starts:
        try:
            return json.JSONDecoder().raw_decode(text[start:])[0]
        except (ValueError, RecursionError):
            continue
    raise Failure("unparsable", f"no JSON in {text[:80]!r}")
