"""What the triggers know of OTLP holds for the messages as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from collector.redact.triggers import IN_MESSAGE, TAGS, Triggers

HOLD_TEXT = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
IDS = {"trace_id", "span_id", "parent_span_id"}


def fields(of: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    if of.full_name in seen:
        return
    seen.add(of.full_name)
    for field in of.fields:
        yield field
        if field.message_type is not None:
            yield from fields(field.message_type, seen)


@pytest.mark.parametrize("kind", [ResourceSpans, ResourceLogs, ResourceMetrics])
def test_every_field_that_holds_text_has_its_tag_among_those_known(kind: type) -> None:
    known = {int(tag, 16) for tag in re.findall("x([0-9a-f]{2})", TAGS)}
    found = [f for f in fields(kind.DESCRIPTOR, set()) if f.type in HOLD_TEXT]  # type: ignore[attr-defined]
    assert found
    for field in found:
        assert field.name in IDS or field.number * 8 + 2 in known, field.full_name


@pytest.mark.parametrize("length", [7, 50, 65, 127, 128, 6000, 20_000, 3_000_000])
def test_a_text_begins_where_its_length_looks_like_a_letter(length: int) -> None:
    group = ResourceSpans()
    span = group.scope_spans.add().spans.add()
    span.attributes.add(key="a").value.string_value = "card".ljust(length)
    assert Triggers([IN_MESSAGE + "card"]).match(span.SerializeToString()) == [0]


def test_a_word_before_is_a_word_in_a_message_too() -> None:
    span = ResourceSpans().scope_spans.add().spans.add()
    span.attributes.add(key="a").value.string_value = "scorecard".ljust(200)
    assert Triggers([IN_MESSAGE + "card"]).match(span.SerializeToString()) == []


def test_each_pattern_that_matches_is_named_once() -> None:
    found = Triggers(["a+", "b", "^c"])
    assert sorted(found.match(b"bab aab c")) == [0, 1]
    assert found.match(b"") == []
    with pytest.raises(ValueError, match="cannot take"):
        Triggers(["("])
