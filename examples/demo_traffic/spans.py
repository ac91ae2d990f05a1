"""A trace of the plan as OTLP spans, in OpenInference or in OpenTelemetry GenAI attributes."""

from __future__ import annotations

import json
import random
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from examples.demo_traffic.plan import PROVIDERS, Trace

RESOURCE = {
    "service.name": "assistant",
    "service.version": "1.4.0",
    "deployment.environment.name": "production",
    "openinference.project.name": "demo",
}


def put(target: Any, values: dict[str, Any]) -> None:
    """Add attributes to a repeated KeyValue field."""
    for key, value in values.items():
        into = target.add(key=key).value
        if isinstance(value, bool):
            into.bool_value = value
        elif isinstance(value, int):
            into.int_value = value
        elif isinstance(value, float):
            into.double_value = value
        else:
            into.string_value = value


def openinference(trace: Trace) -> list[tuple[str, dict[str, Any]]]:
    """(name, attributes) of root, retriever and LLM span."""
    answer, found = trace.answer, trace.attributes
    session = {"session.id": trace.session, "user.id": trace.session.replace("session", "user")}
    return [
        ("answer", {"openinference.span.kind": "CHAIN", "input.value": answer.question,
                    "output.value": answer.claim, **session}),
        ("retrieve", {"openinference.span.kind": "RETRIEVER", "input.value": answer.question,
                      "retrieval.documents.0.document.id": "d0",
                      "retrieval.documents.0.document.content": answer.context,
                      "retrieval.documents.0.document.score": 0.8,
                      "retrieval.documents.0.document.metadata":
                          json.dumps({"source": found["document_source"]}), **session}),
        ("generate", {"openinference.span.kind": "LLM", "llm.model_name": found["model"],
                      "llm.provider": PROVIDERS[found["model"]], "output.value": answer.claim,
                      "llm.prompt_template.version": found["prompt_version"],
                      "llm.input_messages.0.message.role": "system",
                      "llm.input_messages.0.message.content": answer.context,
                      "llm.input_messages.1.message.role": "user",
                      "llm.input_messages.1.message.content": answer.question,
                      "llm.output_messages.0.message.role": "assistant",
                      "llm.output_messages.0.message.content": answer.claim,
                      "llm.token_count.prompt":
                          (len(answer.context) + len(answer.question)) // 4,
                      "llm.token_count.completion": len(answer.claim) // 4, **session}),
    ]  # fmt: skip


def _messages(role: str, content: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": content}]}])


def gen_ai(trace: Trace) -> list[tuple[str, dict[str, Any]]]:
    """(name, attributes) of root, retriever and LLM span."""
    answer, found = trace.answer, trace.attributes
    session = {"gen_ai.conversation.id": trace.session,
               "user.id": trace.session.replace("session", "user")}  # fmt: skip
    said = {"gen_ai.input.messages": _messages("user", answer.question),
            "gen_ai.output.messages": _messages("assistant", answer.claim)}  # fmt: skip
    documents = [{"id": "d0", "score": 0.8, "content": answer.context,
                  "metadata": {"source": found["document_source"]}}]  # fmt: skip
    return [
        ("invoke_workflow answer", {"gen_ai.operation.name": "invoke_workflow", **said, **session}),
        ("retrieval docs", {"gen_ai.operation.name": "retrieval",
                            "gen_ai.retrieval.query.text": answer.question,
                            "gen_ai.retrieval.documents": json.dumps(documents), **session}),
        (f"chat {found['model']}", {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": PROVIDERS[found["model"]],
            "gen_ai.request.model": found["model"], "gen_ai.response.model": found["model"],
            "gen_ai.prompt.version": found["prompt_version"],
            "gen_ai.usage.input_tokens": (len(answer.context) + len(answer.question)) // 4,
            "gen_ai.usage.output_tokens": len(answer.claim) // 4, **said, **session}),
    ]  # fmt: skip


def request(traces: list[Trace], draw: random.Random) -> tuple[ExportTraceServiceRequest, int]:
    """One export request and its number of spans; the first half of each pair is OpenInference."""
    result = ExportTraceServiceRequest()
    group = result.resource_spans.add()
    put(group.resource.attributes, dict(RESOURCE))
    scope = group.scope_spans.add()
    count = 0
    for number, trace in enumerate(traces):
        parts = openinference(trace) if number % 2 == 0 else gen_ai(trace)
        trace_id = draw.randbytes(16)
        root = draw.randbytes(8)
        total = draw.randint(800, 3000) * 10**6
        lies = [(0, total), (5 * 10**6, total // 4), (total // 4, total * 3 // 4)]
        for index, ((name, found), (after, lasts)) in enumerate(zip(parts, lies, strict=True)):
            span = scope.spans.add(
                trace_id=trace_id,
                span_id=root if index == 0 else draw.randbytes(8),
                parent_span_id=b"" if index == 0 else root,
                name=name,
                kind=3 if index == 2 else 1,
                start_time_unix_nano=trace.start_ns + after,
                end_time_unix_nano=trace.start_ns + after + lasts - 10**6,
            )
            put(span.attributes, found)
            count += 1
    return result, count
