"""Redaction at the door: nothing planted reaches the spool, and a doubt refuses the request."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.redact.policies import CACHE, Policies
from schemas.control import ControlError
from schemas.errors import Retryable
from schemas.redaction import RedactionPolicy
from schemas.settings import from_environment
from tests.conftest import answers, environment, spawn, wait_until

SECRET = "sk-" + "proj-abcDEF1234567890abcdEF"
CARD = "4111111111111111"


def _away() -> dict[str, RedactionPolicy]:
    raise Retryable("away")


def _logs(body: str, project: str = "shop") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = project
    group.scope_logs.add().log_records.add(time_unix_nano=time.time_ns()).body.string_value = body
    return request


def test_no_planted_secret_reaches_the_disk(tmp_path: Path) -> None:
    environ = {**environment(tmp_path), "CLICKHOUSE_URL": "http://a:b@127.0.0.1:9/assay"}
    mine = from_environment(environ)
    child = spawn("collector", environ, tmp_path / "collector.log")
    base = f"http://127.0.0.1:{mine.otlp_http_port}"
    try:
        wait_until(lambda: answers(f"{base}/readyz") or child.poll() is not None, "it is ready")
        provider = TracerProvider(resource=Resource.create({"service.name": "s", "own": SECRET}))
        exporter = OTLPSpanExporter(f"{base}/v1/traces")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("test", attributes={"scope": SECRET})
        with tracer.start_as_current_span(f"ask {SECRET}") as span:
            span.set_attribute("input.value", f'{{"key": "x\\n{SECRET}", "n": {CARD}}}')
            span.set_attribute("list", ["clean", SECRET])
            span.set_attribute("number", int(CARD))
            span.set_attribute("db.password", "swordfish")
            span.add_event("said", {"text": SECRET})
            span.record_exception(ValueError(CARD))
        provider.shutdown()
        log = _logs(f"a {SECRET}").SerializeToString()
        kind = {"content-type": "application/x-protobuf"}
        assert httpx.post(f"{base}/v1/logs", content=log, headers=kind).status_code == 200
        text = httpx.get(f"{base}/metrics").text
        assert 'assay_redactions_total{rule="secrets"}' in text
    finally:
        child.terminate()
        assert child.wait(40) == 0
    stored = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"[SECRET]" in stored
    for planted in (SECRET, CARD, "swordfish"):
        assert planted.encode() not in stored


def test_metric_attributes_and_exemplars_are_redacted(tmp_path: Path) -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    point = metric.sum.data_points.add(as_int=1)
    point.attributes.add(key="k").value.kvlist_value.values.add(key="i").value.string_value = SECRET
    point.exemplars.add().filtered_attributes.add(key="k").value.bytes_value = SECRET.encode()
    assert Policies(tmp_path, _away).apply(request)
    assert SECRET.encode() not in request.SerializeToString()


def test_the_last_known_policy_holds_while_control_state_is_away(tmp_path: Path) -> None:
    known = Policies(tmp_path, lambda: {"shop": RedactionPolicy(rules=("email",), mode="hash")})
    known.refresh()
    later = Policies(tmp_path, _away)
    later.refresh()
    request = _logs("bob@example.com")
    assert later.apply(request)
    assert b"[EMAIL:" in request.SerializeToString()
    assert not later.apply(_logs("bob@example.com", "other"))


def test_projects_that_differ_in_their_salt_share_what_is_compiled(tmp_path: Path) -> None:
    known = Policies(tmp_path, lambda: {"default": RedactionPolicy(mode="hash")})
    known.refresh()
    one, other = known._of("a"), known._of("b")
    assert one and other and one.salt != other.salt and one.likely is other.likely


def test_an_unreadable_cache_refuses_until_control_state_is_read(tmp_path: Path) -> None:
    (tmp_path / CACHE).write_text('{"shop": {"rules": ["gone"]}}')
    found: list[dict[str, RedactionPolicy]] = []

    def read() -> dict[str, RedactionPolicy]:
        return found[0] if found else _away()

    policies = Policies(tmp_path, read)
    policies.refresh()
    with pytest.raises(Retryable, match="cannot be read"):
        policies.apply(_logs("x"))
    found.append({})
    policies.start(threading.Event(), tmp_path / "0" / "tally.json")
    assert not policies.apply(_logs("x"))


def test_an_unusable_policy_in_control_state_refuses(tmp_path: Path) -> None:
    def read() -> Any:
        raise ControlError("control redaction shop.mode")

    policies = Policies(tmp_path, read)
    policies.refresh()
    with pytest.raises(Retryable, match="cannot be used"):
        policies.apply(_logs("x"))


def test_a_failure_within_redaction_refuses_and_is_logged_without_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_group: Any, _use: Any) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("collector.redact.policies.redact", fail)
    with pytest.raises(Retryable, match="nothing was kept"):
        Policies(tmp_path, _away).apply(_logs(SECRET))
    assert "redaction failed" in caplog.text
    assert SECRET not in caplog.text
