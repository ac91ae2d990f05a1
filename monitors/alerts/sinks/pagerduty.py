"""PagerDuty Events API v2: an alert triggers under its key and is resolved under the same."""

from __future__ import annotations

from typing import Any

from monitors.alerts.client import post
from monitors.alerts.destination import Answer, Destination
from monitors.alerts.message import RESOLVED, Message, facts, links, listed, payload
from schemas.registry import register

URL = "https://events.pagerduty.com/v2/enqueue"


def event(message: Message, routing_key: str) -> dict[str, Any]:
    """The body of one event. The dedup_key makes a repeated trigger the same incident."""
    common = {"routing_key": routing_key, "dedup_key": message.key[:255]}
    if message.state == RESOLVED:
        return {**common, "event_action": "resolve"}
    about: dict[str, Any] = {
        "summary": f"{message.title}: {message.summary}"[:1024],
        "source": f"assay/{message.project}".rstrip("/"),
        "severity": message.severity,
        "component": message.signal,
        "group": message.project,
        "class": message.type,
        "custom_details": {**dict(facts(message)), "related": list(message.related)},
    }
    if members := listed(message):
        about["custom_details"]["alerts"] = [f"{words} {url}".strip() for words, url in members]
    if message.onset:
        about["timestamp"] = message.onset
    return {
        **common, "event_action": "trigger", "payload": about, "client": "Assay",
        "client_url": message.url,
        "links": [{"href": url, "text": words} for words, url in links(message)],
    }  # fmt: skip


@register("sink", "pagerduty")
def deliver(destination: Destination, message: Message) -> Answer:
    """To the service whose integration key is the destination's secret."""
    if not destination.secrets:
        return Answer(0, "it needs secret_env: the variable with the service's integration key")
    body = payload(event(message, destination.secrets[0]))
    return post(destination, destination.url or URL, body)
