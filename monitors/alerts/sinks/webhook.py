"""Webhooks as the Standard Webhooks specification asks: id, timestamp, HMAC-SHA256 signature."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import socket
import time
from urllib.parse import urlsplit

import httpx

from schemas.registry import register
from schemas.settings import Settings


def sign(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """`v1,<base64>` over `id.timestamp.body`; the secret is `whsec_` + base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def private(url: str) -> bool:
    """True if the host resolves to an address that is not public."""
    host = urlsplit(url).hostname or ""
    found = socket.getaddrinfo(host, None)
    return any(not ipaddress.ip_address(str(item[4][0])).is_global for item in found)


@register("sink", "webhook")
def deliver(settings: Settings, message_id: str, body: str) -> tuple[int, str]:
    """(response code, error); code 0 where no response came, 410 where trying again is wrong."""
    headers = {"content-type": "application/json", "webhook-id": message_id}
    try:
        if not settings.allow_private_webhooks and private(settings.webhook_url):
            return 410, "a private address: set ASSAY_ALLOW_PRIVATE_WEBHOOKS=1 to allow it"
        now = int(time.time())
        headers["webhook-timestamp"] = str(now)
        if settings.webhook_secret:
            headers["webhook-signature"] = sign(settings.webhook_secret, message_id, now, body)
        answer = httpx.post(settings.webhook_url, content=body, headers=headers, timeout=10)
    except (httpx.HTTPError, OSError) as error:
        return 0, f"{type(error).__name__}: {error}"
    except binascii.Error:
        return 410, "ASSAY_WEBHOOK_SECRET is not whsec_ and base64"
    return answer.status_code, "" if answer.is_success else answer.text[:300]
