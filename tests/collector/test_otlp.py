"""Requests as messages."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.signals.base import parts


def test_a_request_is_cut_into_records_of_few_spans_in_the_same_order() -> None:
    request = ExportTraceServiceRequest()
    for service in ("a", "b"):
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = service
        for scope in ("x", "y", "empty"):
            into = group.scope_spans.add()
            into.scope.name = scope
            into.spans.extend(Span(name=f"{service}{scope}{n}") for n in range(5))
        del group.scope_spans[2].spans[:]
    found = list(parts(request, 4))
    flat = [
        [(g.resource.attributes[0].value.string_value + s.scope.name, span.name)
         for g in part.resource_spans for s in g.scope_spans for span in s.spans]
        for part in found
    ]  # fmt: skip
    assert [len(part) for part in flat] == [4, 4, 4, 4, 4]
    assert [name for part in flat for _, name in part] == [
        f"{service}{scope}{n}" for service in "ab" for scope in "xy" for n in range(5)
    ]
    assert all(name.startswith(place) for part in flat for place, name in part)
