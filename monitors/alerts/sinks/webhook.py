"""Webhooks as the Standard Webhooks specification asks: id, timestamp, HMAC-SHA256 signatures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

from monitors.alerts.client import post
from monitors.alerts.destination import Answer, Destination
from monitors.alerts.message import Message
from monitors.alerts.template import render
from schemas.registry import register


def sign(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """`v1,<base64>` over `id.timestamp.body`; the secret is `whsec_` + base64.

    Raises binascii.Error.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@register("sink", "webhook")
def deliver(destination: Destination, message: Message) -> Answer:
    """The message as JSON, or what the template of the destination makes of it. With several
    secrets each signs: while a receiver changes keys it may hold the old or the new one."""
    now = int(time.time())
    body = render(destination.template, message) if destination.template else message.body
    headers = {"webhook-id": message.message_id, "webhook-timestamp": str(now)}
    try:
        signatures = [sign(s, message.message_id, now, body) for s in destination.secrets]
    except (binascii.Error, ValueError):
        return Answer(0, "its secret is not whsec_ and base64")
    if signatures:
        headers["webhook-signature"] = " ".join(signatures)
    return post(destination, destination.url, body.encode(), headers)
