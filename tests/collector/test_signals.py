"""Logs and metrics of real SDKs land in their own tables, each record once."""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from collector.signals.base import projects, singles
from collector.signals.logs import logs
from collector.signals.metrics import metrics
from schemas.clickhouse import Store
from schemas.queries.logs import count_logs, trace_logs
from schemas.queries.metrics import metric_points
from schemas.settings import Settings
from tests.conftest import wait_until

NOW = time.time_ns()


def _resource(project: str) -> Resource:
    return Resource.create({"service.name": project, "service.version": "7"})


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_an_sdks_log_records_stand_beside_their_span(
    collector: Settings, store: Store, transport: str
) -> None:
    project = f"logs-{uuid.uuid4()}"
    grpc = GrpcLogs(f"http://127.0.0.1:{collector.otlp_grpc_port}", insecure=True)
    http = HttpLogs(f"http://127.0.0.1:{collector.otlp_http_port}/v1/logs")
    provider = LoggerProvider(_resource(project))
    provider.add_log_record_processor(
        SimpleLogRecordProcessor(grpc if transport == "grpc" else http)
    )
    logger = logging.getLogger(project)
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=provider))
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("ask") as span:
        logger.warning("the cache is cold", extra={"shard": 3})
    trace = f"{span.get_span_context().trace_id:032x}"
    wait_until(lambda: count_logs(store, project) == 1, "the record is stored")
    (row,) = trace_logs(store, project, trace)
    assert (row["body"], row["severity"], row["service_version"]) == ("the cache is cold", 13, "7")
    assert row["span_id"] == f"{span.get_span_context().span_id:016x}"
    assert row["attributes"]["shard"] == "3"
    provider.shutdown()
    logger.handlers.clear()


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_an_sdks_metrics_are_points(collector: Settings, store: Store, transport: str) -> None:
    project = f"metrics-{uuid.uuid4()}"
    grpc = GrpcMetrics(f"http://127.0.0.1:{collector.otlp_grpc_port}", insecure=True)
    http = HttpMetrics(f"http://127.0.0.1:{collector.otlp_http_port}/v1/metrics")
    reader = PeriodicExportingMetricReader(grpc if transport == "grpc" else http)
    provider = MeterProvider([reader], _resource(project))
    meter = provider.get_meter("test")
    meter.create_counter("calls", unit="1").add(5, {"model": "a"})
    meter.create_histogram("latency", unit="ms").record(42.0)
    meter.create_gauge("queue").set(1.5)
    provider.shutdown()

    def points(name: str) -> list[dict[str, Any]]:
        return metric_points(store, project, name, NOW - 10**12, NOW + 10**13)

    wait_until(lambda: bool(points("queue")), "the points are stored")
    ((calls,), (latency,), (queue,)) = (points(n) for n in ("calls", "latency", "queue"))
    assert (calls["kind"], calls["value"], calls["monotonic"]) == ("sum", 5.0, 1)
    assert (calls["temporality"], calls["attributes"]) == ("cumulative", {"model": "a"})
    assert (latency["kind"], latency["count"], latency["sum"]) == ("histogram", 1, 42.0)
    assert sum(latency["counts"]) == 1 and len(latency["counts"]) == len(latency["bounds"]) + 1
    assert (queue["kind"], queue["value"]) == ("gauge", 1.5)


def _log(**fields: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(NOW), "body": {"stringValue": "hi"}, **fields}


def test_a_record_sent_twice_is_one_and_a_bad_one_is_refused_alone(
    collector: Settings, store: Store
) -> None:
    project = f"logs-{uuid.uuid4()}"
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": project}}]}
    records = [_log(), _log(body={"stringValue": "ho"}), _log(timeUnixNano="1"),
               {"body": {"stringValue": "no time"}}]  # fmt: skip
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    url = f"http://127.0.0.1:{collector.otlp_http_port}/v1/logs"
    for _ in range(2):
        answer = httpx.post(url, json=body).json()
        assert answer["partialSuccess"]["rejectedLogRecords"] == "1"
        assert "30 days" in answer["partialSuccess"]["errorMessage"]
    wait_until(lambda: count_logs(store, project) == 3, "the records are stored")


def test_points_that_are_not_stored_are_counted_in_partial_success(collector: Settings) -> None:
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    odd = scope.metrics.add(name="odd").exponential_histogram.data_points
    odd.add(time_unix_nano=NOW, count=1, scale=41)
    odd.add(time_unix_nano=NOW, positive={"bucket_counts": [0] * 10_001})
    scope.metrics.add(name="old").summary.data_points.add(time_unix_nano=NOW)
    scope.metrics.add(name="fine").gauge.data_points.add(time_unix_nano=NOW, as_double=1)
    checked = metrics().check(request, NOW)
    assert (checked.kept, checked.rejected) == (1, 3)
    assert "must be within -40 and 40" in checked.reason


def test_items_are_counted_by_project_and_come_apart() -> None:
    request = ExportLogsServiceRequest()
    for name, count in (("a", 2), ("b", 1)):
        group = request.resource_logs.add()
        group.resource.attributes.add(key="service.name").value.string_value = name
        for n in range(count):
            group.scope_logs.add().log_records.add(time_unix_nano=NOW, severity_text=str(n))
    assert projects(request) == {"a": 2, "b": 1}
    apart = list(singles(request))
    assert [projects(one) for one in apart] == [{"a": 1}, {"a": 1}, {"b": 1}]
    whole = [row.log_id for row in logs().rows(request, NOW, "t")]
    assert [row.log_id for one in apart for row in logs().rows(one, NOW, "t")] == whole
