"""A refused item leaves its reason, SDK and a sample without values."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import httpx

from collector.rejections import MOST_KEYS, Rejections
from schemas.clickhouse import Store
from schemas.errors import Retryable
from schemas.queries.rejections import list_rejections
from schemas.settings import Settings
from tests.conftest import wait_until


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def test_refused_items_are_stored_with_reason_and_sdk_but_no_value(
    collector: Settings, store: Store
) -> None:
    project, base = f"r-{uuid.uuid4()}", f"http://127.0.0.1:{collector.otlp_http_port}/v1"
    named = [_attribute("service.name", project), _attribute("telemetry.sdk.name", "mine")]
    span = {"traceId": "ab", "spanId": "cd" * 8, "name": "ask",
            "attributes": [_attribute("input.value", "a secret")]}  # fmt: skip
    scope = {"scope": {"name": "lib"}, "spans": [span, span]}
    group = {"resource": {"attributes": named}, "scopeSpans": [scope]}
    httpx.post(f"{base}/traces", json={"resourceSpans": [group]}).raise_for_status()
    point = {"timeUnixNano": str(time.time_ns())}
    odd = {"name": "latency", "exponentialHistogram": {"dataPoints": [point]}}
    group = {"resource": {"attributes": named}, "scopeMetrics": [{"metrics": [odd]}]}
    httpx.post(f"{base}/metrics", json={"resourceMetrics": [group]}).raise_for_status()
    wait_until(lambda: len(list_rejections(store, project)) == 2, "both reasons are stored")
    ids, kinds = list_rejections(store, project)
    assert (ids["signal"], ids["items"], ids["sdk"]) == ("traces", 2, "mine / lib")
    assert "trace_id must be 16 bytes" in ids["reason"] and "secret" not in ids["sample"]
    shown = json.loads(ids["sample"])
    assert (shown["name"], shown["trace_id"], list(shown["attributes"])) == (
        "ask", "ab", ["input.value"])  # fmt: skip
    assert "export explicit histograms" in kinds["reason"]
    assert json.loads(kinds["sample"])["name"] == "latency"


def test_what_cannot_be_written_is_held_within_a_bound() -> None:
    written: list[Any] = []

    def fail(_rows: Sequence[Any], _token: str) -> None:
        raise Retryable("away")

    held = Rejections()
    for _ in range(2):
        held.add("logs", {(str(n), "bad", "sdk"): (1, "{}") for n in range(MOST_KEYS + 5)})
        held.flush(fail)
    held.flush(lambda rows, _token: written.extend(rows))
    assert (len(written), {row.count for row in written}) == (MOST_KEYS, {2})
