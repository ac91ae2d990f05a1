"""The demo's webhook receiver accepts only valid Standard Webhooks signatures."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from assay.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver(SECRET)
    yield server
    server.close()


def test_a_signed_body_is_kept(receiver: Receiver) -> None:
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "one",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("one", now, "{}"),
    }
    assert httpx.post(receiver.url, content="{}", headers=headers).status_code == 204
    assert receiver.bodies == ["{}"]


def test_a_wrong_signature_is_refused(receiver: Receiver) -> None:
    headers = {"webhook-id": "one", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    assert httpx.post(receiver.url, content="{}", headers=headers).status_code == 401
    assert receiver.bodies == [] and receiver.refused == 1
