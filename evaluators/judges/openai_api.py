"""A judge behind any OpenAI-compatible endpoint: vLLM, Ollama, OpenAI, Azure, proxies.

The verdict comes from the log probabilities of the reply's tokens where they are offered, from
structured output else, from text else; what an endpoint offers is found once and remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from evaluators.base import Result, Usage, failed, scored, unscored
from evaluators.judges import capability, verdict
from evaluators.judges.budget import Budget
from evaluators.judges.capability import LOGPROBS, SCHEMA, Capability
from evaluators.judges.completion import EndpointCompleter
from evaluators.judges.endpoint import Answer, Endpoint
from evaluators.judges.failure import Failure
from evaluators.judges.prices import Price, price
from evaluators.judges.question import Question, cut_note, inert, layout, shares, tag
from schemas.judging import JudgePolicy

REVISION = 1  # raise it when a prompt or a way of reading changes
CHARACTERS_PER_TOKEN = 3.0  # a cautious guess, for what is held of the budget
_HOW = {
    LOGPROBS: "Reply with one of these words and nothing else: {labels}.",
    SCHEMA: "Reply as JSON: a short reason, then the verdict, one of: {labels}.",
    capability.TEXT: "Give a short reason. Then end with a line of the form\n{mark} LABEL\n"
    "where LABEL is one of: {labels}.",
}


class OpenAIJudge:
    """`policy.model` judges at `policy.url`; threads up to `policy.concurrency` ask at once."""

    def __init__(
        self, name: str, policy: JudgePolicy, key: str, budget: Budget | None = None,
        endpoint: Endpoint | None = None,
    ) -> None:  # fmt: skip
        self.name, self.model = name, policy.model
        self.budget = budget or Budget(policy.budget_usd)
        self.per_call = 8 * policy.concurrency
        self._policy = policy
        self._endpoint = endpoint or Endpoint(policy.url, key, policy.timeout, policy.patience)
        self._price: Price | None = price(policy.url, policy.model, policy.price)
        self._pinned = policy.mode != "auto"
        self._can = Capability(policy.mode) if self._pinned else Capability()
        self._known = False
        self._first = threading.Lock()

    @property
    def spec(self) -> Mapping[str, Any]:
        """The model by the name that it is asked by; which one answered stands in the result."""
        return {
            "revision": REVISION, "model": self.model, "mode": self._policy.mode, "how": _HOW,
            "input": self._policy.max_input_chars, "floor": verdict.MASS_FLOOR,
        }  # fmt: skip

    @property
    def failures(self) -> Mapping[str, int]:
        """Requests that failed since the start, by kind; those that were retried count."""
        return dict(self._endpoint.failures)

    def close(self) -> None:
        self._endpoint.close()

    def completer(self) -> EndpointCompleter:
        """Free replies over the same endpoint, price and budget."""
        return EndpointCompleter(self._endpoint, self._policy, self._price, self.budget)

    def ask(self, questions: Sequence[Question]) -> list[Result]:
        if self.budget.limited and self._price is None:
            said = f"budget: {self.model} has no known price; give one in assay.yaml"
            return [unscored(said)] * len(questions)
        if len(questions) == 1:
            return [self._one(questions[0])]
        with ThreadPoolExecutor(self._policy.concurrency, "judge") as pool:
            return list(pool.map(self._one, questions))

    def _one(self, question: Question) -> Result:
        lengths = [len(part.text) for part in question.parts]
        kept = shares(lengths, [part.elastic for part in question.parts],
                      self._policy.max_input_chars)  # fmt: skip
        note = cut_note(question.parts, lengths, kept, "characters")
        shown = replace(
            question,
            parts=tuple(
                replace(part, text=part.text[:stays])
                for part, stays in zip(question.parts, kept, strict=True)
            ),
        )
        tokens = int((sum(kept) + len(question.system) + len(question.ask)) / CHARACTERS_PER_TOKEN)
        held = self._price(tokens + 200, self._policy.max_reply_tokens) if self._price else 0.0
        if not self.budget.reserve(held):
            return unscored("budget")
        usage = Usage()
        try:
            result, usage = self._asked(shown, tokens, note)
        except Exception as error:
            # One reply of a strange shape must cost no other question its verdict.
            result = failed(f"unparsable: {type(error).__name__}: {error}"[:300])
        finally:
            self.budget.settle(held, usage.cost_usd)
        return replace(result, usage=usage)

    def _asked(self, question: Question, tokens: int, note: str) -> tuple[Result, Usage]:
        """Ask until the endpoint takes the request, giving up what it does not know."""
        if not self._known:
            with self._first:
                if not self._known:
                    return self._try(question, tokens, note)
        return self._try(question, tokens, note)

    def _try(self, question: Question, tokens: int, note: str) -> tuple[Result, Usage]:
        can, usage, seen = self._can, Usage(), set[Capability]()
        waiting: list[Capability] = []
        while True:
            seen.add(can)
            mark = tag(question)
            try:
                answer = self._endpoint.post(self._body(question, can, mark), tokens)
            except Failure as failure:
                usage = usage + Usage(failure.calls, max(0, failure.calls - 1))
                if failure.kind == "rejected" and failure.status in (400, 422):
                    found = [*capability.weaker(can, failure.said, self._pinned), *waiting]
                    waiting = [each for each in found if each not in seen]
                    if waiting and len(seen) < 8:
                        can = waiting.pop(0)
                        continue
                return failed(str(failure)[:300]), usage + Usage(failed=1)
            usage = usage + self._used(answer)
            offered = _content(answer.body)
            if can.mode == LOGPROBS and offered is None and not self._pinned:
                can = replace(can, mode=SCHEMA)  # taken, and ignored
                continue
            self._can, self._known = can, True
            result = _read(question, can, answer.body, mark, note, self._policy.max_reply_tokens)
            named = str(answer.body.get("model") or "")[:200]
            missed = int(result.status == "error")
            return replace(result, model=named), usage + Usage(failed=missed)

    def _body(self, question: Question, can: Capability, mark: str) -> dict[str, Any]:
        how = _HOW[can.mode].format(labels=", ".join(question.names), mark=mark)
        texts = [(part.title, part.text) for part in question.parts]
        system, user = layout(question, texts, mark)
        user = f"{user}\n{how}"
        messages = [{"role": "user", "content": user}]
        if can.system:
            messages.insert(0, {"role": "system", "content": system})
        else:
            messages[0]["content"] = f"{system}\n\n{user}"
        body: dict[str, Any] = {"model": self.model, "messages": messages}
        if can.temperature:
            body["temperature"] = 0
        if can.limit:
            short = can.mode == LOGPROBS and can.limit == "max_tokens"
            body[can.limit] = 16 if short else self._policy.max_reply_tokens
        if can.mode == LOGPROBS:
            body |= {"logprobs": True, "top_logprobs": 20}
        if can.mode == SCHEMA:
            schema = {
                "type": "object", "additionalProperties": False, "required": ["reason", "verdict"],
                "properties": {
                    "reason": {"type": "string"},
                    "verdict": {"type": "string", "enum": list(question.names)},
                },
            }  # fmt: skip
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "verdict", "strict": True, "schema": schema},
            }
        return body

    def _used(self, answer: Answer) -> Usage:
        said = answer.body.get("usage")
        given = said if isinstance(said, dict) else {}
        used_in, used_out = (
            _whole(given.get(f"{side}_tokens")) for side in ("prompt", "completion")
        )
        cost = self._price(used_in, used_out) if self._price else 0.0
        return Usage(
            answer.calls, answer.calls - 1, 0, used_in, used_out, cost, int(self._price is None)
        )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def _content(body: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The log probabilities of the reply's tokens; None where there are none."""
    given = body["choices"][0].get("logprobs")
    content = given.get("content") if isinstance(given, dict) else None
    fit = isinstance(content, list) and all(isinstance(each, dict) for each in content)
    return content if fit and content else None


def _read(
    question: Question, can: Capability, body: Mapping[str, Any], mark: str, note: str, limit: int
) -> Result:
    choice = body["choices"][0]
    message = choice["message"]
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        return failed(f"refused: {str(message.get('refusal') or 'content_filter')[:200]}")
    content = _content(body)
    if can.mode == LOGPROBS and content is not None:
        try:
            chances = verdict.chances(content, question.labels)
            return verdict.weighed(chances, question.labels, note, question.prior)
        except (TypeError, ValueError, AttributeError) as error:
            return failed(f"unparsable: log probabilities: {error}"[:300])
    text = message.get("content")
    text = text if isinstance(text, str) else ""
    found = verdict.from_json(text, question.names) if can.mode == SCHEMA else None
    if found is None:
        judged = "\n".join([question.ask, *(inert(part.text) for part in question.parts)])
        label = verdict.from_text(text, question.names, mark, judged)
        found = (label, text.strip()) if label else None
    if found is None:
        why = f"cut off at {limit} tokens" if choice.get("finish_reason") == "length" else text[:80]
        return failed(f"unparsable: {why!r}" if why == text[:80] else f"unparsable: {why}")
    values = dict(question.labels)
    said = "; ".join(part for part in (found[1][:500], note) if part)
    return scored(values[found[0]], said)
