"""kill -9 of collector and store under load: each acknowledged span is stored once."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries import spans
from schemas.settings import from_environment
from tests.conftest import answers, environment, spawn, start_store, wait_until

PROJECT = "durable"
TRACES = 2000


def _body(trace: str, ids: list[str]) -> dict[str, object]:
    now = str(time.time_ns())
    found = [
        {"traceId": trace, "spanId": i, "name": "n", "startTimeUnixNano": now,
         "endTimeUnixNano": now, "parentSpanId": "" if i == ids[0] else ids[0],
         "attributes": [{"key": "input.value", "value": {"stringValue": "text " * 200}}]}
        for i in ids
    ]  # fmt: skip
    service = {"key": "service.name", "value": {"stringValue": PROJECT}}
    return {"resourceSpans": [{"resource": {"attributes": [service]},
                               "scopeSpans": [{"spans": found}]}]}  # fmt: skip


def test_every_acknowledged_span_is_stored_once_through_kills(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    settings = from_environment(environ)
    store_child = start_store(environ, tmp_path)
    base = f"http://127.0.0.1:{settings.otlp_http_port}"

    def start_collector():  # type: ignore[no-untyped-def]
        child = spawn("collector", environ, tmp_path / "collector.log")
        wait_until(lambda: answers(f"{base}/readyz"), "the collector is ready")
        return child

    collector = start_collector()
    acknowledged: list[tuple[str, str]] = []
    lock = threading.Lock()
    client = httpx.Client(base_url=base, timeout=20)

    def send(_number: int) -> None:
        """As an OTLP exporter does: the same spans again until they are acknowledged."""
        trace = uuid.uuid4().hex
        ids = [uuid.uuid4().hex[:16] for _ in range(3)]
        body = _body(trace, ids)
        while True:
            try:
                if client.post("/v1/traces", json=body).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        with lock:
            acknowledged.extend((trace, i) for i in ids)

    with ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send, n) for n in range(TRACES)]
        wait_until(lambda: len(acknowledged) > TRACES, "a third is sent", 120)
        collector.kill()
        collector.wait()
        collector = start_collector()
        wait_until(lambda: len(acknowledged) > 2 * TRACES, "two thirds are sent", 120)
        store_child.kill()
        store_child.wait()
        for future in sending:
            future.result()
        assert answers(f"{base}/readyz"), "the collector accepts while the store is away"
    store_child = start_store(environ, tmp_path)

    def stored() -> list[tuple[str, str]]:
        try:
            return spans.span_ids(clickhouse.connect(settings), PROJECT)
        except (Retryable, Permanent):
            return []

    wait_until(lambda: len(stored()) >= len(acknowledged), "all is stored", 120)
    found = stored()
    assert len(acknowledged) == 3 * TRACES
    assert len(found) == len(set(found))
    assert set(found) == set(acknowledged)
    for child in (collector, store_child):
        child.terminate()
        assert child.wait(30) == 0
