"""Conventions become the same columns."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.conventions.rules import Convention
from collector.normalise import rows
from schemas.models import SpanRow
from schemas.registry import load


@pytest.fixture(scope="module")
def conventions() -> list[Convention]:
    return [make() for make in load("convention", "collector.conventions").values()]


def _row(conventions: list[Convention], found: dict[str, Any]) -> SpanRow:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for key, value in {"service.name": "svc", "deployment.environment.name": "prod"}.items():
        group.resource.attributes.add(key=key).value.string_value = value
    span = group.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    for key, value in found.items():
        into = span.attributes.add(key=key).value
        if isinstance(value, int):
            into.int_value = value
        else:
            into.string_value = value
    (row,) = rows(request, conventions, 10**6, "token")
    return row


def test_openinference_llm(conventions: list[Convention]) -> None:
    row = _row(conventions, {
        "openinference.span.kind": "LLM", "llm.model_name": "m", "llm.provider": "p",
        "llm.token_count.prompt": 7, "llm.token_count.completion": 3, "session.id": "s",
        "llm.prompt_template.version": "v2", "output.value": "yes",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "hi", "mine": "kept",
    })  # fmt: skip
    assert (row.kind, row.model, row.provider, row.prompt_version) == ("LLM", "m", "p", "v2")
    assert (row.input_tokens, row.output_tokens, row.session_id) == (7, 3, "s")
    assert (row.project, row.environment, row.convention) == ("svc", "prod", "openinference")
    assert row.input == "hi"
    assert json.loads(row.input_messages) == [{"role": "user", "content": "hi"}]
    assert row.attributes["mine"] == "kept"


def test_openinference_documents_in_order_with_their_source(conventions: list[Convention]) -> None:
    found = {f"retrieval.documents.{n}.document.content": f"d{n}" for n in range(11)}
    found["retrieval.documents.0.document.metadata"] = '{"source": "wiki"}'
    row = _row(conventions, {"openinference.span.kind": "RETRIEVER", **found})
    assert row.documents == [f"d{n}" for n in range(11)]
    assert row.document_source == "wiki"


def test_gen_ai_chat_and_retrieval(conventions: list[Convention]) -> None:
    says = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}])
    row = _row(conventions, {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "a", "gen_ai.response.model": "b", "gen_ai.input.messages": says,
        "gen_ai.usage.input_tokens": 5, "gen_ai.conversation.id": "c",
    })  # fmt: skip
    assert (row.kind, row.model, row.input, row.input_tokens) == ("LLM", "b", "hi", 5)
    documents = json.dumps([{"id": "1", "score": 0.5, "content": "text"}])
    row = _row(conventions, {
        "gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": documents,
        "document.source": "wiki",
    })  # fmt: skip
    assert (row.kind, row.documents, row.document_source) == ("RETRIEVER", ["text"], "wiki")


def test_openllmetry_and_langfuse(conventions: list[Convention]) -> None:
    row = _row(conventions, {"traceloop.span.kind": "workflow", "traceloop.entity.input": "q"})
    assert (row.kind, row.input, row.convention) == ("CHAIN", "q", "openllmetry")
    row = _row(conventions, {
        "langfuse.observation.type": "generation", "langfuse.observation.output": "a",
        "langfuse.observation.prompt.version": 3, "langfuse.environment": "staging",
    })  # fmt: skip
    assert (row.kind, row.output, row.prompt_version) == ("LLM", "a", "3")
    assert row.environment == "staging"


def test_values_out_of_range_do_not_poison_a_row(conventions: list[Convention]) -> None:
    found = {"llm.token_count.prompt": -1, "llm.token_count.completion": 2**40}
    kind = {"openinference.span.kind": "LLM", "llm.cost.total": "free"}
    row = _row(conventions, found | kind)
    assert (row.input_tokens, row.output_tokens, row.cost_usd) == (0, 2**32 - 1, 0.0)


@pytest.mark.parametrize(
    "found",
    [
        {"llm.token_count.prompt": "nan", "llm.cost.total": "inf"},
        {"llm.token_count.prompt": "-1e999", "llm.token_count.completion": "9" * 5000},
        {"retrieval.documents.².document.content": "x"},
        {f"retrieval.documents.{'9' * 5000}.document.content": "x"},
        {"metadata": "[" * 100_000},
        {"metadata": '{"prompt_version": "\\ud800"}'},
        {"gen_ai.input.messages": '[{"role": "user", "content": "\\udfff"}]'},
        {"gen_ai.input.messages": '[{"parts": [{"content": "\\udfff"}]}]'},
        {"gen_ai.retrieval.documents": '[{"content": "\\ud83d", "metadata": {"source": []}}]'},
    ],
)
def test_hostile_attributes_make_a_row_that_can_be_stored(
    conventions: list[Convention], found: dict[str, Any]
) -> None:
    row = _row(conventions, found)
    assert repr(dataclasses.asdict(row)).encode()
    for value in (row.input, row.output, row.prompt_version, row.document_source, *row.documents):
        assert value.encode() is not None
    assert 0 <= row.input_tokens < 2**32
    assert math.isfinite(row.cost_usd)


@pytest.mark.parametrize(
    ("state", "probability"),
    [
        ("", 1.0), ("ot=th:0", 1.0), ("ot=th:8", 0.5), ("ot=th:c", 0.25),
        ("vendor=1, ot=rv:abcdefabcdefab;th:f", 1 / 16), ("ot=th:ffffffffffffff", 2**-56),
        ("ot=th:", 1.0), ("ot=th:xyz", 1.0), ("other=th:8", 1.0), ("ot=p:8;r:62", 1.0),
    ],
)  # fmt: skip
def test_a_clients_sampling_is_read_from_tracestate(
    conventions: list[Convention], state: str, probability: float
) -> None:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, trace_state=state)
    (row,) = rows(request, conventions, 10**6, "token")
    assert row.sampling_probability == probability
