"""A refused item leaves its reason, SDK and a sample without values."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
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
    odd = {"name": "latency", "summary": {"dataPoints": [point]}}
    group = {"resource": {"attributes": named}, "scopeMetrics": [{"metrics": [odd]}]}
    httpx.post(f"{base}/metrics", json={"resourceMetrics": [group]}).raise_for_status()
    wait_until(lambda: len(list_rejections(store, project)) == 2, "both reasons are stored")
    ids, kinds = list_rejections(store, project)
    assert (ids["signal"], ids["items"], ids["sdk"]) == ("traces", 2, "mine / lib")
    assert "trace_id must be 16 bytes" in ids["reason"] and "secret" not in ids["sample"]
    shown = json.loads(ids["sample"])
    assert (shown["name"], shown["trace_id"], list(shown["attributes"])) == (
        "ask", "ab", ["input.value"])  # fmt: skip
    assert "export histograms" in kinds["reason"]
    assert json.loads(kinds["sample"])["name"] == "latency"


def test_what_cannot_be_written_is_held_within_a_bound_and_sent_again_as_it_was() -> None:
    tried: list[tuple[str, ...]] = []
    written: Counter[str] = Counter()

    def fail(rows: Sequence[Any], token: str) -> None:
        tried.append((token, *(row.project for row in rows)))
        raise Retryable("away")

    def store(rows: Sequence[Any], token: str) -> None:
        tried.append((token, *(row.project for row in rows)))
        written.update({row.project: row.count for row in rows})

    held = Rejections()
    for _ in range(3):
        held.add("logs", {(str(n), "bad", "sdk"): (1, "{}") for n in range(MOST_KEYS + 5)})
        held.flush(fail)
    held.flush(store)
    assert tried[0] == tried[1] == tried[2] == tried[3] != tried[4]
    assert written == {str(n): 3 for n in range(MOST_KEYS)}
