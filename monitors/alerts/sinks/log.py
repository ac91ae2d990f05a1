"""Alerts into the log, for who has no webhook."""

from __future__ import annotations

import logging

from schemas.registry import register
from schemas.settings import Settings

log = logging.getLogger("assay.alerts")


@register("sink", "log")
def deliver(settings: Settings, message_id: str, body: str) -> tuple[int, str]:
    """Always delivered."""
    log.warning("alert %s: %s", message_id, body)
    return 200, ""
