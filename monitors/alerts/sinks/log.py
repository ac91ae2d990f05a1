"""Alerts into the log, for who has no webhook."""

from __future__ import annotations

import logging

from monitors.alerts.destination import Answer, Destination
from monitors.alerts.message import Message
from schemas.registry import register

log = logging.getLogger("assay.alerts")


@register("sink", "log")
def deliver(destination: Destination, message: Message) -> Answer:
    """Always delivered."""
    log.warning("alert %s for %s: %s", message.message_id, destination.name, message.body)
    return Answer(200)
