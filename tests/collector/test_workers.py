"""Several workers on one pair of ports, TLS and CORS: by real clients."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from collector.ledger import read
from schemas.clickhouse import Store
from schemas.queries.spans import count_spans
from schemas.settings import Settings, from_environment
from tests.conftest import answers, environment, spawn, wait_until


def _environ(settings: Settings, home: Path) -> dict[str, str]:
    password = settings.password_file.read_text()
    url = f"http://assay:{password}@127.0.0.1:{settings.store_port}/assay"
    return {**environment(home), "CLICKHOUSE_URL": url}


def _send(exporter: SpanExporter, project: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": project}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("ask"):
        pass
    provider.shutdown()


def test_connections_spread_over_workers_and_one_metrics_page_counts_all(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    environ = {**_environ(settings, tmp_path), "ASSAY_COLLECTOR_WORKERS": "2"}
    mine = from_environment(environ)
    project = f"spread-{uuid.uuid4()}"
    child = spawn("collector", environ, tmp_path / "log")
    base = f"http://127.0.0.1:{mine.otlp_http_port}"
    ledgers = [mine.spool / str(n) / "traces" / "ledger.json" for n in (0, 1)]
    try:
        wait_until(lambda: all((p.parent / "lock").exists() for p in ledgers), "both work")
        wait_until(lambda: answers(f"{base}/readyz"), "the collector is ready")
        time.sleep(1)  # the second worker listens a moment after its folder is there
        for number in range(24):  # a connection each: the kernel spreads connections, not calls
            if number % 2:
                _send(HttpExporter(f"{base}/v1/traces"), project)
            else:
                endpoint = f"http://127.0.0.1:{mine.otlp_grpc_port}"
                options = (("grpc.use_local_subchannel_pool", 1),)
                _send(GrpcExporter(endpoint, insecure=True, channel_options=options), project)
        wait_until(lambda: count_spans(store, project) == 24, "all are stored")

        def shares() -> list[int]:
            return [read(p).get(project, {}).get("received", 0) for p in ledgers]

        wait_until(lambda: sum(shares()) == 24, "the counts are saved")
        assert min(shares()) > 0, shares()
        line = f'assay_spans_received_total{{project="{project}"}} 24'
        wait_until(lambda: line in httpx.get(f"{base}/metrics").text, "one page counts all")
    finally:
        child.terminate()
        assert child.wait(40) == 0, (tmp_path / "log").read_text()


@pytest.fixture
def secured(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A collector with a certificate of its own and one allowed origin."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-keyout", str(key), "-out", str(cert), "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    environ = {
        **_environ(settings, tmp_path), "ASSAY_TLS_CERT": str(cert), "ASSAY_TLS_KEY": str(key),
        "ASSAY_CORS_ORIGINS": "https://app.example",
    }  # fmt: skip
    mine = from_environment(environ)
    child = spawn("collector", environ, tmp_path / "log")
    trust = ssl.create_default_context(cafile=str(cert))

    def ready() -> bool:
        try:
            url = f"https://127.0.0.1:{mine.otlp_http_port}/readyz"
            return bool(urllib.request.urlopen(url, context=trust, timeout=2).status == 200)
        except OSError:
            return False

    wait_until(ready, "it answers over TLS")
    yield mine
    child.terminate()
    assert child.wait(40) == 0


def test_both_transports_speak_tls(
    secured: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where it is set, requests trusts this rather than what the exporter was given.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secured.tls_cert)
    project = f"tls-{uuid.uuid4()}"
    http = f"https://127.0.0.1:{secured.otlp_http_port}/v1/traces"
    _send(HttpExporter(http, certificate_file=secured.tls_cert), project)
    chain = Path(secured.tls_cert).read_bytes()
    credentials = grpc.ssl_channel_credentials(chain)
    endpoint = f"https://127.0.0.1:{secured.otlp_grpc_port}"
    _send(GrpcExporter(endpoint, credentials=credentials), project)
    wait_until(lambda: count_spans(store, project) == 2, "both are stored")


def test_a_browser_may_send_from_the_allowed_origin_only(secured: Settings) -> None:
    url = f"https://127.0.0.1:{secured.otlp_http_port}/v1/traces"
    with httpx.Client(verify=ssl.create_default_context(cafile=secured.tls_cert)) as client:
        ask = {"access-control-request-method": "POST",
               "access-control-request-headers": "content-type"}  # fmt: skip
        allowed = client.options(url, headers={"origin": "https://app.example", **ask})
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        other = client.options(url, headers={"origin": "https://evil.example", **ask})
        assert "access-control-allow-origin" not in other.headers
        body = json.dumps({"resourceSpans": []})
        headers = {"origin": "https://app.example", "content-type": "application/json"}
        assert client.post(url, content=body, headers=headers).status_code == 200


def test_a_port_that_somebody_else_holds_is_said(settings: Settings, tmp_path: Path) -> None:
    environ = _environ(settings, tmp_path)
    environ["ASSAY_OTLP_HTTP_PORT"] = str(settings.store_port)
    for workers in ("1", "2"):
        log = tmp_path / f"log{workers}"
        child = spawn("collector", {**environ, "ASSAY_COLLECTOR_WORKERS": workers}, log)
        assert child.wait(60) == 1
        assert "cannot listen" in log.read_text()
