"""Microsoft Teams: an Adaptive Card for the webhook of a Workflow ("when a webhook request is
received"). The older Office 365 connectors take the same body."""

from __future__ import annotations

from typing import Any

from monitors.alerts.client import post
from monitors.alerts.destination import Answer, Destination
from monitors.alerts.message import RESOLVED, Message, facts, heading, links, listed, payload
from schemas.registry import register

_COLOURS = {"info": "accent", "warning": "warning", "error": "attention", "critical": "attention"}
_MOST = 2000  # characters a text: the whole message may have 28 kB


def _words(text: str) -> str:
    """Cards render Markdown links: a segment's value must not make one."""
    return text.replace("[", "(").replace("]", ")")[:_MOST]


def _block(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _words(text), "wrap": True, **more}


def _member(words: str, url: str) -> dict[str, Any]:
    """A member of a group as a link. A card may have 28 kB for all of them."""
    said = _words(words)[:300]
    whole = f"[{said}]({url.replace(')', '%29')})" if url else said
    return {"type": "TextBlock", "text": whole, "wrap": True}


def card(message: Message) -> dict[str, Any]:
    """The body of a Teams message with one card."""
    colour = "good" if message.state == RESOLVED else _COLOURS.get(message.severity, "default")
    body = [
        _block(heading(message), weight="Bolder", size="Medium", color=colour),
        _block(message.summary),
        {"type": "FactSet",
         "facts": [{"title": name, "value": _words(value)} for name, value in facts(message)]},
        *(_member(*line) for line in listed(message)),
        *(_block(f"Also: {sentence}", isSubtle=True) for sentence in message.related[:5]),
    ]  # fmt: skip
    actions = [
        {"type": "Action.OpenUrl", "title": words, "url": url} for words, url in links(message)
    ]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
        "version": "1.4", "body": body, "actions": actions, "msteams": {"width": "Full"},
    }  # fmt: skip
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return {"type": "message", "attachments": [attachment]}


@register("sink", "teams")
def deliver(destination: Destination, message: Message) -> Answer:
    """To a Workflow's address, which answers 202. It knows no idempotency id."""
    return post(destination, destination.url, payload(card(message)))
