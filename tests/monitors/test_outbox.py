"""Deliveries are durable, signed, retried, and never sent twice."""

from __future__ import annotations

import base64
import dataclasses
import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook

from monitors.alerts.outbox import MAX_ATTEMPTS, attempt, drain
from monitors.alerts.rules import messages
from monitors.alerts.sinks import webhook
from schemas.clickhouse import Store
from schemas.control import AlertPolicy
from schemas.models import DeliveryRow, FindingRow
from schemas.queries.findings import insert_deliveries, list_deliveries
from schemas.settings import Settings
from tests.conftest import wait_until

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


class Target:
    """An HTTP endpoint that answers with `codes` in turn."""

    def __init__(self, codes: list[int]) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(codes.pop(0) if codes else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target([503])
    yield made
    made.server.shutdown()
    made.server.server_close()


def _delivery(project: str) -> DeliveryRow:
    now = time.time_ns() // 10**6
    return DeliveryRow(project, "d-1", "f-1", "r", "webhook", "", "pending", 0, 0, "",
                       json.dumps({"a": 1}), now, now * 1000)  # fmt: skip


def test_a_delivery_is_retried_signed_and_then_done(
    store: Store, settings: Settings, target: Target
) -> None:
    project = f"hook-{uuid.uuid4()}"
    mine = dataclasses.replace(
        settings, webhook_url=target.url, webhook_secret=SECRET, allow_private_webhooks=True
    )
    insert_deliveries(store, [_delivery(project)])
    sinks = {"webhook": webhook.deliver}
    assert drain(store, project, sinks, mine) == 0
    (row,) = list_deliveries(store, project)
    assert (row["status"], row["response_code"], row["attempts"]) == ("pending", 503, 1)
    wait_until(lambda: drain(store, project, sinks, mine) == 1, "the delivery arrives")
    assert drain(store, project, sinks, mine) == 0
    assert len(target.requests) == 2
    for headers, body in target.requests:
        assert Webhook(SECRET).verify(body, headers) == {"a": 1}
        assert headers["webhook-id"] == "d-1"


def test_a_private_address_is_refused_unless_allowed(settings: Settings, target: Target) -> None:
    mine = dataclasses.replace(settings, webhook_url=target.url, webhook_secret=SECRET)
    after = attempt(_delivery("p"), webhook.deliver, mine, 1)
    assert (after.status, target.requests) == ("dead", [])
    assert "ASSAY_ALLOW_PRIVATE_WEBHOOKS" in after.error


def test_a_delivery_dies_after_its_last_attempt(settings: Settings) -> None:
    last = dataclasses.replace(_delivery("p"), attempts=MAX_ATTEMPTS - 1)
    assert attempt(last, lambda *_: (500, "no"), settings, 1).status == "dead"


def test_only_confirmed_findings_page() -> None:
    found = FindingRow("p", "f", "g", "d", "{}", "uncalibrated", 0, 0, 0, 1, 1, 0, 0, 0, 0, 0,
                       0.001, 1, "{}", 0)  # fmt: skip
    alerts = {"all": AlertPolicy("log"), "other": AlertPolicy("log", ("refusal",))}
    assert messages(found, alerts, "", 0) == []
    (sent,) = messages(dataclasses.replace(found, status="confirmed"), alerts, "", 0)
    assert (sent.rule, sent.sink) == ("all", "log")
