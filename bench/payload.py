"""RAG traces of six spans, about 2.8 kB of protobuf a span, with text that no other span has.

The text is real: fragments of three to eight words of the recorded answers that the repository
ships, drawn anew for every span. Fragments rather than whole answers, because a few hundred
kilobytes of answers that repeat as they are compress far better than real traffic does.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from examples.demo_traffic.plan import ATTRIBUTES, answers
from examples.demo_traffic.spans import put

PROJECT = "bench"
SPANS = 6  # of one trace
# Four bytes of every id and a word of every text are these, so that one request becomes a new
# one by two replacements: building 2.8 kB a span anew would cost more than Assay's own work.
ID_MARK = b"\xa5\x5a\xc3\x3c"
TEXT_MARK = b"ref-00000000"
Part = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Body:
    """A serialised ExportTraceServiceRequest and its number of spans."""

    data: bytes
    spans: int

    def again(self, number: int) -> bytes:
        """The same request with other ids and other text; number 1 to 2**32 - 1."""
        # Scattered, since ids in order would put copies of one text into one compressed block.
        scattered = number * 2654435761 % 2**32
        data = self.data.replace(ID_MARK, scattered.to_bytes(4, "big"))
        return data.replace(TEXT_MARK, b"ref-%08x" % number)


class Writer:
    """Draws text: seeded, so that two products receive the same bytes."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        known = [f"{a.question} {a.context} {a.claim}".split() for a in answers()]
        self._fragments: list[str] = []
        for text in known:
            at = 0
            while at < len(text):
                step = self.draw.randint(3, 8)
                self._fragments.append(" ".join(text[at : at + step]))
                at += step
        self._mean = sum(map(len, self._fragments)) / len(self._fragments) + 1

    def text(self, characters: int) -> str:
        """About so many characters; starts with the mark that `Body.again` changes."""
        count = max(1, round(self.draw.gauss(characters, characters / 5) / self._mean))
        return TEXT_MARK.decode() + " " + " ".join(self.draw.choices(self._fragments, k=count))


def _openinference(write: Writer, found: dict[str, str], session: str) -> list[Part]:
    who = {"session.id": session, "user.id": session.replace("session", "user")}
    kind = "openinference.span.kind"
    documents: dict[str, Any] = {}
    source = json.dumps({"source": found["document_source"]})
    for n in range(4):
        at = f"retrieval.documents.{n}.document"
        documents |= {f"{at}.id": f"d{n}", f"{at}.content": write.text(900),
                      f"{at}.score": 0.9 - n / 10, f"{at}.metadata": source}  # fmt: skip
    says = "llm.input_messages"
    return [
        ("answer", {kind: "CHAIN", "input.value": write.text(300),
                    "output.value": write.text(1200), **who}),
        ("embed", {kind: "EMBEDDING", "input.value": write.text(300),
                   "embedding.model_name": "all-MiniLM-L6-v2", **who}),
        ("retrieve", {kind: "RETRIEVER", "input.value": write.text(300), **documents, **who}),
        ("lookup", {kind: "TOOL", "input.value": write.text(400), "tool.name": "lookup",
                    "output.value": write.text(1500), **who}),
        ("generate", {kind: "LLM", "llm.model_name": found["model"], "llm.provider": "recorded",
                      "llm.prompt_template.version": found["prompt_version"],
                      f"{says}.0.message.role": "system",
                      f"{says}.0.message.content": write.text(3500),
                      f"{says}.1.message.role": "user",
                      f"{says}.1.message.content": write.text(300),
                      "output.value": write.text(1200), "llm.token_count.prompt": 1150,
                      "llm.token_count.completion": write.draw.randint(100, 400), **who}),
        ("check", {kind: "CHAIN", "input.value": write.text(1500),
                   "output.value": write.text(300), **who}),
    ]  # fmt: skip


def _message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def _gen_ai(write: Writer, found: dict[str, str], session: str) -> list[Part]:
    who = {"gen_ai.conversation.id": session, "user.id": session.replace("session", "user")}
    does, text = "gen_ai.operation.name", write.text
    documents = [{"id": f"d{n}", "score": 0.9 - n / 10, "content": text(900),
                  "metadata": {"source": found["document_source"]}} for n in range(4)]  # fmt: skip

    def said(before: list[dict[str, Any]], answer: str) -> dict[str, str]:
        return {"gen_ai.input.messages": json.dumps(before),
                "gen_ai.output.messages": json.dumps([_message("assistant", answer)])}  # fmt: skip

    return [
        ("invoke_workflow answer", {does: "invoke_workflow", **who,
                                    **said([_message("user", text(300))], text(1200))}),
        ("embeddings", {does: "embeddings", "gen_ai.request.model": "all-MiniLM-L6-v2",
                        "gen_ai.input.messages": json.dumps([_message("user", text(300))]), **who}),
        ("retrieval docs", {does: "retrieval", "gen_ai.retrieval.query.text": text(300),
                            "gen_ai.retrieval.documents": json.dumps(documents), **who}),
        ("execute_tool lookup", {does: "execute_tool", "gen_ai.tool.call.arguments": text(400),
                                 "gen_ai.tool.name": "lookup",
                                 "gen_ai.tool.call.result": text(1500), **who}),
        (f"chat {found['model']}", {
            does: "chat", "gen_ai.provider.name": "recorded",
            "gen_ai.request.model": found["model"], "gen_ai.response.model": found["model"],
            "gen_ai.prompt.version": found["prompt_version"], "gen_ai.usage.input_tokens": 1150,
            "gen_ai.usage.output_tokens": write.draw.randint(100, 400), **who,
            **said([_message("system", text(3500)), _message("user", text(300))], text(1200))}),
        ("invoke_workflow check", {does: "invoke_workflow", **who,
                                   **said([_message("user", text(1500))], text(300))}),
    ]  # fmt: skip


def _trace(scope: Any, write: Writer, number: int, start_ns: int) -> None:
    draw = write.draw
    found = {name: draw.choice(sorted(shares)) for name, shares in ATTRIBUTES.items()}
    make = _gen_ai if number % 2 else _openinference
    trace_id, root = ID_MARK + draw.randbytes(12), ID_MARK + draw.randbytes(4)
    total = draw.randint(800, 3000) * 10**6
    for index, (name, values) in enumerate(make(write, found, f"session-{number // 3}")):
        after = index * total // SPANS
        failed = draw.random() < 0.01
        span = scope.spans.add(
            trace_id=trace_id,
            span_id=root if index == 0 else ID_MARK + draw.randbytes(4),
            parent_span_id=root if index else b"",
            name=name,
            kind=3 if index == 4 else 1,
            start_time_unix_nano=start_ns + after,
            end_time_unix_nano=start_ns + (total if index == 0 else after + total // SPANS),
        )
        span.status.code = 2 if failed else 0
        span.status.message = "timed out" if failed else ""
        put(span.attributes, values)


def bodies(
    traces: int, batch: int, seed: int = 1, project: str = PROJECT, end_ns: int = 0
) -> Iterator[Body]:
    """Requests of `batch` traces each, in OpenInference and GenAI attributes by turns; traces
    start in the last minute before `end_ns` (now)."""
    write, end = Writer(seed), end_ns or time.time_ns()
    for first in range(0, traces, batch):
        result = ExportTraceServiceRequest()
        group = result.resource_spans.add()
        put(group.resource.attributes, {
            "service.name": "assistant", "service.version": "1.4.0",
            "deployment.environment.name": "production", "openinference.project.name": project,
        })  # fmt: skip
        scope = group.scope_spans.add()
        for number in range(first, min(first + batch, traces)):
            _trace(scope, write, number, end - write.draw.randrange(60 * 10**9) - 4 * 10**9)
        yield Body(result.SerializeToString(), len(scope.spans))
