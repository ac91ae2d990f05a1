"""Slack's incoming webhooks: Block Kit, within its limits (a header has 150 characters, a section
3,000 or 10 fields)."""

from __future__ import annotations

from typing import Any

from monitors.alerts.client import post
from monitors.alerts.destination import Answer, Destination
from monitors.alerts.message import Message, facts, heading, links, listed, payload
from schemas.registry import register


def _escaped(text: str) -> str:
    """Slack's three control characters; without them no text can name a link or a user."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _address(url: str) -> str:
    return url.replace("&", "&amp;").replace("|", "%7C").replace("<", "%3C").replace(">", "%3E")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _line(words: str, url: str) -> str:
    """A member of a group, so short that ten of them fit a section."""
    text = _escaped(_cut(words, 150))
    return f"<{_address(url)}|{text}>" if 0 < len(url) <= 120 else text


def blocks(message: Message) -> dict[str, Any]:
    """The body of a Slack message. `text` is what notifications show."""
    title = _cut(heading(message), 150)
    parts: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title}},
        {"type": "section",
         "text": {"type": "mrkdwn", "text": _cut(_escaped(message.summary or title), 3000)}},
        {"type": "section", "fields": [
            {"type": "mrkdwn", "text": _cut(f"*{name}*\n{_escaped(value)}", 2000)}
            for name, value in facts(message)[:10]
        ]},
    ]  # fmt: skip
    for start in range(0, len(lines := listed(message)), 10):
        said = "\n".join(f"• {_line(*line)}" for line in lines[start : start + 10])
        parts.append({"type": "section", "text": {"type": "mrkdwn", "text": said}})
    if message.related:
        more = "\n".join(f"• {_escaped(sentence)}" for sentence in message.related)
        parts.append({"type": "section", "text": {"type": "mrkdwn", "text": _cut(more, 3000)}})
    found = " · ".join(f"<{_address(url)}|{_escaped(words)}>" for words, url in links(message))
    if found:
        parts.append({"type": "context", "elements": [{"type": "mrkdwn", "text": found}]})
    return {"text": _escaped(title), "blocks": parts}


@register("sink", "slack")
def deliver(destination: Destination, message: Message) -> Answer:
    """To the incoming webhook of a channel. Slack knows no idempotency id: a message that is
    repeated after a crash stands there twice."""
    return post(destination, destination.url, payload(blocks(message)))
