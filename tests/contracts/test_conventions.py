"""The contract of every registered convention: real columns, known kinds, nothing lost."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.conventions.rules import Convention
from collector.normalise import rows
from schemas.models import SpanRow
from schemas.registry import load

CONVENTIONS: dict[str, Any] = load("convention", "collector.conventions")
KINDS = {"LLM", "RETRIEVER", "CHAIN", "TOOL", "AGENT", "EMBEDDING", "RERANKER", "GUARDRAIL",
         "EVALUATOR", "PROMPT"}  # fmt: skip
FIELDS = {f.name: f for f in dataclasses.fields(SpanRow)}


@pytest.fixture(params=CONVENTIONS)
def convention(request: pytest.FixtureRequest) -> Convention:
    made = CONVENTIONS[request.param]()
    assert isinstance(made, Convention)
    assert made.name == request.param
    return made


def _row(attributes: dict[str, str | int]) -> SpanRow:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=10**18,
        end_time_unix_nano=10**18 + 1,
    )  # fmt: skip
    for key, value in attributes.items():
        into = span.attributes.add(key=key).value
        if isinstance(value, int):
            into.int_value = value
        else:
            into.string_value = value
    (row,) = rows(request, [make() for make in CONVENTIONS.values()], 10**18, "x")
    return row


def test_columns_and_kinds_exist(convention: Convention) -> None:
    assert convention.mark
    assert set(convention.columns) <= set(FIELDS)
    assert set((convention.kinds or {}).values()) <= KINDS
    assert all(names for names in convention.columns.values())


def test_every_attribute_fills_its_column(convention: Convention) -> None:
    for column, names in convention.columns.items():
        for name in names:
            number = str(FIELDS[column].type).startswith(("int", "float"))
            row = _row({convention.mark[0] + "any": "x", name: 7 if number else "seven"})
            wanted = ["seven"] if str(FIELDS[column].type).startswith("list") else "seven"
            assert getattr(row, column) == (7 if number else wanted), (column, name)


def test_every_kind_is_recognised(convention: Convention) -> None:
    for value, kind in (convention.kinds or {}).items():
        assert _row({convention.kind_attribute: value}).kind == kind


def test_an_attribute_without_a_rule_is_kept(convention: Convention) -> None:
    name = convention.mark[0] + "something.new"
    assert _row({name: "kept"}).attributes[name] == "kept"
