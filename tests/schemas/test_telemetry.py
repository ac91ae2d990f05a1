"""Assay's own telemetry: off by default, never into itself, and real where it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import telemetry
from schemas.clickhouse import Store
from schemas.queries.spans import count_spans
from schemas.settings import Settings, SettingsError, from_environment
from tests.collector.test_workers import _environ, _send
from tests.conftest import answers, spawn, wait_until


class Endpoint:
    """An OTLP/HTTP endpoint that keeps what it was sent."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.bodies[self.path].append(body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_process_starts_without_exporters() -> None:
    said = "import sys; from schemas import telemetry; print('opentelemetry.sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_nothing_is_set_up_without_an_endpoint() -> None:
    before = trace.get_tracer_provider()
    telemetry.start(from_environment({}), "collector")()
    assert trace.get_tracer_provider() is before


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("port", [4318, 4317])
def test_our_own_collector_is_refused_as_endpoint(host: str, port: int) -> None:
    mine = from_environment({"ASSAY_TELEMETRY_ENDPOINT": f"http://{host}:{port}"})
    with pytest.raises(SettingsError, match="is this Assay itself"):
        telemetry.start(mine, "collector")


def test_a_collector_tells_of_its_work(
    settings: Settings, store: Store, tmp_path: Path, endpoint: Endpoint
) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    environ = {
        **os.environ, **_environ(settings, tmp_path), "ASSAY_TELEMETRY_ENDPOINT": endpoint.url,
    }  # fmt: skip
    mine = from_environment(environ)
    project = f"told-{uuid.uuid4()}"
    child = spawn("collector", environ, tmp_path / "log")
    base = f"http://127.0.0.1:{mine.otlp_http_port}"
    wait_until(lambda: answers(f"{base}/readyz"), "it is ready")
    _send(OTLPSpanExporter(f"{base}/v1/traces"), project)
    wait_until(lambda: count_spans(store, project) == 1, "the span is stored")
    child.terminate()
    assert child.wait(40) == 0
    spans = [
        span
        for body in endpoint.bodies["/v1/traces"]
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]
    assert [span.name for span in spans] == ["write segment"]
    told = {
        metric.name: metric.sum.data_points[0].as_int
        for body in endpoint.bodies["/v1/metrics"]
        for group in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
    }
    assert (told["assay.spans.received"], told["assay.spans.written"]) == (1, 1)
