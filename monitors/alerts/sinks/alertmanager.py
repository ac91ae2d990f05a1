"""Prometheus Alertmanager, or what takes the same `POST /api/v2/alerts` (Grafana, Mimir, AWS).

Alertmanager tells alerts apart by their labels, so these are equal in firing and resolved.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitors.alerts.client import post
from monitors.alerts.destination import Answer, Destination
from monitors.alerts.message import RESOLVED, Message, facts, links, payload
from schemas.registry import register

PATH = "/api/v2/alerts"
# An alert without an end resolves itself when nobody repeats it for five minutes. Ours is sent
# once, and ends when it is resolved or after so long.
STAYS = timedelta(days=1)
_OWN = ("key", "signal", "state", "title", "severity", "summary", "onset", "url", "owner",
        "runbook", "value", "threshold")  # fmt: skip


def _label(name: str) -> str:
    """A legal label name: Prometheus takes letters, digits and underscores."""
    return "segment_" + re.sub(r"[^A-Za-z0-9_]", "_", name)


def alerts(message: Message) -> list[dict[str, Any]]:
    """The body: a list of one alert, or of those of a group, which Alertmanager groups itself."""
    alone = [
        replace(
            message, members=(), type=f"assay.rule.{m['state']}",
            examples=message.examples if len(message.members) == 1 else (),
            **{name: m[name] for name in _OWN},
        )
        for m in message.members
    ]  # fmt: skip
    return [_alert(each) for each in alone or [message]]


def _alert(message: Message) -> dict[str, Any]:
    made = message.sent_at or datetime.now(UTC).isoformat()
    at = datetime.fromisoformat(made)
    end = at if message.state == RESOLVED else at + STAYS
    labels = {
        "alertname": "Assay" + "".join(part.title() for part in message.type.split(".")[1:2]),
        "project": message.project, "signal": message.signal, "severity": message.severity,
        "assay_key": message.key, **{_label(k): v for k, v in message.segment.items()},
    }  # fmt: skip
    notes = {
        "title": message.title,
        "summary": message.summary,
        "runbook_url": message.runbook,
        "description": "\n".join(f"{k}: {v}" for k, v in facts(message)),
        "links": "\n".join(f"{words}: {url}" for words, url in links(message)),
        "related": "\n".join(message.related),
    }
    return {
        "labels": {k: v for k, v in labels.items() if v},
        "annotations": {k: v for k, v in notes.items() if v},
        "startsAt": min(message.onset or made, made), "endsAt": end.isoformat(),
        "generatorURL": message.url,
    }  # fmt: skip


@register("sink", "alertmanager")
def deliver(destination: Destination, message: Message) -> Answer:
    """`url` is Alertmanager's own address; a secret goes with it as a bearer token."""
    url = destination.url.rstrip("/")
    secrets = destination.secrets
    token = {"authorization": f"Bearer {secrets[0]}"} if secrets else {}
    where = url if url.endswith(PATH) else url + PATH
    return post(destination, where, payload(alerts(message)), token)
