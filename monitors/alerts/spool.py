"""How full the collector's spool is, as its /metrics says: siblings share no code and maybe no
disk, and ClickHouse cannot be asked, since the spool fills while it is away."""

from __future__ import annotations

import logging
import math
import ssl
import urllib.request
from http.client import HTTPException

from schemas.settings import Settings

log = logging.getLogger("assay.monitors")
TIMEOUT = 3.0  # seconds
_MOST = 4 * 2**20  # bytes of /metrics that are read
_NAMES = {
    "assay_spool_used_ratio": "spool_used",
    "assay_spool_segments_waiting": "spool_segments",
}


def numbers(text: str) -> dict[str, float]:
    """By metric of a rule, from Prometheus' text format; lines that are no number are left out."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name in _NAMES:
            try:
                number = float(value)
            except ValueError:
                continue
            if math.isfinite(number):
                found[_NAMES[name]] = number
    return found


def spool_numbers(settings: Settings) -> dict[str, float]:
    """What the collector says now; {} where it does not answer. No proxy is used."""
    context = ssl.create_default_context()
    address = f"{settings.collector}/metrics"
    try:
        if settings.tls_cert:
            context.load_verify_locations(settings.tls_cert)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(address, timeout=TIMEOUT) as answer:
            return numbers(answer.read(_MOST).decode("utf-8", "replace"))
    except (OSError, HTTPException, ValueError) as error:
        log.warning("rules on the spool see nothing: %s does not answer: %s", address, error)
        return {}
