"""GenAI messages that SDKs send as OTLP log records, read as those of the span they belong to.

OpenTelemetry's event `gen_ai.client.inference.operation.details` holds a whole call; before it
there was an event per message: `gen_ai.user.message`, `gen_ai.choice` and others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.messages import Message, answered, asked, instructions, messages, parse

DETAILS = "gen_ai.client.inference.operation.details"
_ROLES = {"gen_ai.system.message": "system", "gen_ai.user.message": "user",
          "gen_ai.assistant.message": "assistant", "gen_ai.tool.message": "tool"}  # fmt: skip
_CHOICE = "gen_ai.choice"
EVENTS = (DETAILS, *_ROLES, _CHOICE)


@dataclass(slots=True)
class Said:
    """The messages of one call, in and out, and why it ended."""

    messages_in: list[Message] = field(default_factory=list)
    messages_out: list[Message] = field(default_factory=list)
    finish_reason: str = ""

    @property
    def input(self) -> str:
        return asked(self.messages_in)

    @property
    def output(self) -> str:
        return answered(self.messages_out)


def read(records: Iterable[Mapping[str, Any]]) -> dict[str, Said]:
    """By span id what the log records say; `records` are rows of the table logs in their order,
    with span_id, event_name, body and attributes."""
    found: dict[str, Said] = {}
    for record in records:
        event = record["event_name"] or record["attributes"].get("event.name", "")
        if event not in EVENTS or not record["span_id"]:
            continue
        said = found.setdefault(record["span_id"], Said())
        body = parse(record["body"])
        body = body if isinstance(body, dict) else {}
        if event == DETAILS:
            given = {**body, **record["attributes"]}
            said.messages_in = instructions(given.get("gen_ai.system_instructions", "")) + messages(
                given.get("gen_ai.input.messages"), "user"
            )
            said.messages_out = messages(given.get("gen_ai.output.messages"), "assistant")
        elif event == _CHOICE:
            said.messages_out += messages([{"role": "assistant", **(body.get("message") or body)}])
            said.finish_reason = str(body.get("finish_reason") or "")
        else:
            role = _ROLES[event]
            said.messages_in += messages([{**body, "role": body.get("role") or role}], role)
    return found
