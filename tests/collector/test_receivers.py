"""Real OTLP clients over both transports land as rows; bad input is answered by the book."""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_status import rpc_status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from schemas.clickhouse import Store
from schemas.queries import spans
from schemas.settings import Settings
from tests.conftest import wait_until


def _send(exporter: SpanExporter, project: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": project}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("ask") as span:
        span.set_attribute("openinference.span.kind", "CHAIN")
        span.set_attribute("input.value", "who?")
        with tracer.start_as_current_span("find") as inner:
            inner.set_attribute("openinference.span.kind", "RETRIEVER")
            inner.set_attribute("retrieval.documents.0.document.content", "she did")
    provider.shutdown()


@pytest.mark.parametrize("transport", ["grpc", "grpc+gzip", "grpc+deflate", "http", "http+gzip"])
def test_an_sdks_spans_land_as_rows(collector: Settings, store: Store, transport: str) -> None:
    project = f"sdk-{uuid.uuid4()}"
    exporter: SpanExporter
    if transport.startswith("grpc"):
        squeezed = {"grpc+gzip": grpc.Compression.Gzip, "grpc+deflate": grpc.Compression.Deflate}
        exporter = GrpcExporter(
            f"http://127.0.0.1:{collector.otlp_grpc_port}", insecure=True,
            compression=squeezed.get(transport),
        )  # fmt: skip
    else:
        from opentelemetry.exporter.otlp.proto.http import Compression

        squeeze = Compression.Gzip if transport.endswith("gzip") else Compression.NoCompression
        url = f"http://127.0.0.1:{collector.otlp_http_port}/v1/traces"
        exporter = HttpExporter(url, compression=squeeze)
    _send(exporter, project)
    wait_until(lambda: spans.count_spans(store, project) == 2, "both spans are stored")
    ((trace, _), _) = spans.span_ids(store, project)

    def read() -> list[dict[str, Any]]:
        return spans.trace_spans(store, project, trace)

    wait_until(
        lambda: [bool(s["input"] or s["documents"]) for s in read()] == [True, True],
        "their texts are stored",
    )
    root, find = read()
    assert (root["kind"], root["input"]) == ("CHAIN", "who?")
    assert (find["kind"], list(find["documents"])) == ("RETRIEVER", ["she did"])


def _document(project: str, **changes: object) -> dict[str, object]:
    span = {
        "traceId": uuid.uuid4().hex.upper(), "spanId": "EEE19B7EC3C1B174", "name": "hello",
        "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": time.time_ns() + 10**9,
        "kind": 2, "unknownField": 1, **changes,
    }  # fmt: skip
    service = {"key": "service.name", "value": {"stringValue": project}}
    scope = {"scope": {"name": "x"}, "spans": [span]}
    return {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [scope]}]}


@pytest.fixture
def http(collector: Settings) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{collector.otlp_http_port}")


def test_raw_json_lands_with_its_hex_ids(http: httpx.Client, store: Store) -> None:
    project = f"json-{uuid.uuid4()}"
    trace = uuid.uuid4().hex
    answer = http.post("/v1/traces", json=_document(project, traceId=trace.upper()))
    assert (answer.status_code, answer.json()) == (200, {})
    wait_until(lambda: spans.count_spans(store, project) == 1, "the span is stored")
    assert spans.span_ids(store, project) == [(trace, "eee19b7ec3c1b174")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"traceId": "00" * 16}, "trace_id"),
        ({"spanId": "ab"}, "span_id"),
        ({"startTimeUnixNano": "1"}, "start time"),
    ],
)
def test_a_bad_span_is_rejected_alone(
    http: httpx.Client, store: Store, changes: dict[str, object], reason: str
) -> None:
    project = f"bad-{uuid.uuid4()}"
    good, bad = _document(project), _document(project, **changes)
    good["resourceSpans"] += bad["resourceSpans"]  # type: ignore[operator]
    answer = http.post("/v1/traces", json=good)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert reason in answer.json()["partialSuccess"]["errorMessage"]
    wait_until(lambda: spans.count_spans(store, project) == 1, "the good span is stored")


def test_protobuf_is_answered_in_protobuf(http: httpx.Client) -> None:
    kind = {"content-type": "application/x-protobuf"}
    answer = http.post("/v1/traces", content=b"", headers=kind)
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff", {"content-type": "application/x-protobuf"}, 400),
        (b"{", {"content-type": "application/json"}, 400),
        (b"[]", {"content-type": "application/json"}, 400),
        (b"{}", {"content-type": "application/json", "content-encoding": "gzip"}, 400),
        (b"{}", {"content-type": "application/json", "content-encoding": "br"}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (
            gzip.compress(b" " * (64 * 2**20 + 1)),
            {"content-type": "application/json", "content-encoding": "gzip"},
            413,
        ),
    ],
)
def test_a_bad_body_has_a_status_that_clients_understand(
    http: httpx.Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = http.post("/v1/traces", content=body, headers=headers)
    assert answer.status_code == status
    if headers["content-type"] == "application/json":
        assert json.loads(answer.text)["message"]


def _raw_grpc(port: int, message: bytes) -> bytes:
    """The answer's bytes to one message that claims gzip, in HTTP/2 frames made by hand."""

    def field(name: bytes, value: bytes) -> bytes:
        return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value

    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        size = struct.pack(">I", len(payload))[1:]
        return size + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    path = b"/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    head = {b":method": b"POST", b":scheme": b"http", b":path": path, b":authority": b"a",
            b"content-type": b"application/grpc", b"te": b"trailers",
            b"grpc-encoding": b"gzip"}  # fmt: skip
    data = b"\1" + struct.pack(">I", len(message)) + message
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + frame(4, 0, 0, b"")
            + frame(1, 4, 1, b"".join(field(*pair) for pair in head.items()))
            + frame(0, 1, 1, data)
        )
        while b"grpc-status" not in answer and (part := line.recv(65536)):
            answer += part
    return answer


@pytest.mark.parametrize("cut", [0, 5])
def test_a_broken_compressed_grpc_message_is_the_clients_mistake(
    collector: Settings, cut: int
) -> None:
    message = gzip.compress(b"")
    answer = _raw_grpc(collector.otlp_grpc_port, message[: len(message) - cut])
    assert b"grpc-status" + (b"\x013" if cut else b"\x010") in answer


def test_a_grpc_message_that_unfolds_over_the_limit_is_refused_for_good(
    collector: Settings,
) -> None:
    path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    with (
        grpc.insecure_channel(f"127.0.0.1:{collector.otlp_grpc_port}") as channel,
        pytest.raises(grpc.RpcError) as error,
    ):
        send = channel.unary_unary(path)
        send(bytes(64 * 2**20 + 1), timeout=60, compression=grpc.Compression.Gzip)
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert rpc_status.from_call(error.value).details == []


def test_another_method_is_refused(http: httpx.Client) -> None:
    assert http.put("/v1/traces").status_code == 405


def test_the_ledger_can_be_read(http: httpx.Client) -> None:
    assert "assay_spans_received_total" in http.get("/metrics").text
    assert http.get("/healthz").status_code == 200


def test_other_machines_are_let_in_only_with_a_key(settings: Settings, tmp_path: Path) -> None:
    password = settings.password_file.read_text()
    url = f"http://assay:{password}@127.0.0.1:{settings.store_port}/assay"
    environ = {**os.environ, "ASSAY_HOME": str(tmp_path), "ASSAY_HOST": "0.0.0.0",
               "CLICKHOUSE_URL": url}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", "-m", "collector"],
        env=environ, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "assay key create" in done.stderr and "ASSAY_INGEST_KEY" in done.stderr
