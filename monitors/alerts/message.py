"""What an alert says, whichever sink carries it: JSON text in the outbox, and this once read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from schemas.alerting import NAME

MOST = 20  # members of a group that are listed
FIRING, RESOLVED, TEST = "firing", "resolved", "test"


@dataclass(frozen=True, slots=True)
class Message:
    """One alert. `message_id` stays the same over retries; `key` is shared by the firing and the
    resolved message of one alert. Numbers are None where an alert has none; times are ISO 8601.

    `members` are the alerts of rules that a group's message tells of, as mappings (what each says
    alone, less examples); its `key` is the group's then.
    `examples` are up to three of {"trace_id", "url"}; `url` opens the findings in the explorer.
    """

    message_id: str
    key: str
    type: str  # assay.finding.firing, assay.rule.resolved, ...
    state: str
    title: str
    severity: str
    project: str
    signal: str
    summary: str
    segment: Mapping[str, str] = field(default_factory=dict)
    onset: str = ""
    sent_at: str = ""  # when it was made, the same over retries
    effect: float | None = None
    effect_interval: tuple[float, float] | None = None
    p_value: float | None = None
    share_explained: float | None = None
    value: float | None = None
    threshold: float | None = None
    examples: tuple[Mapping[str, str], ...] = ()
    related: tuple[str, ...] = ()  # sentences of what was found at the same moment
    url: str = ""
    owner: str = ""
    runbook: str = ""
    finding_id: str = ""
    members: tuple[Mapping[str, Any], ...] = ()

    @property
    def body(self) -> str:
        """JSON text, the same on every call: a signature and a retry must see the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)


def message_id(event_id: str, name: str) -> str:
    """The idempotency id: of one event and one destination, and fit for a header. The event of a
    firing is the alert's key."""
    return f"{event_id}-{name if NAME.fullmatch(name) else name.encode().hex()[:64]}"


def read(body: str) -> Message:
    """The message of a body. Fields that this version does not know are left out.

    Raises ValueError or TypeError where it is no message.
    """
    given = json.loads(body)
    known = {f.name for f in fields(Message)}
    made = {name: value for name, value in given.items() if name in known}
    for name in ("effect_interval", "examples", "related", "members"):
        if isinstance(made.get(name), list):
            made[name] = tuple(made[name])
    return Message(**made)


def heading(message: Message) -> str:
    """The title with its state, for a subject or a first line."""
    state = message.state.upper() if message.state != FIRING else message.severity.upper()
    return f"[{state}] {message.title}"


def segment_text(segment: Mapping[str, str]) -> str:
    return " and ".join(f"{k}={v}" for k, v in segment.items()) or "all traffic"


def facts(message: Message) -> list[tuple[str, str]]:
    """Names and values worth a line each; what the alert lacks is left out."""
    rows = [("Project", message.project)] if message.project else []
    rows += [("Segment", segment_text(message.segment))] if message.project else []
    rows += [("Since", message.onset)] if message.onset else []
    if message.effect is not None:
        text = f"{message.effect:+.3g}"
        if message.effect_interval is not None:
            low, high = message.effect_interval
            text += f" (95% interval {low:+.3g} to {high:+.3g})"
        rows.append(("Effect", text))
    if message.value is not None:
        limit = "" if message.threshold is None else f" (limit {message.threshold:.4g})"
        rows.append(("Value", f"{message.value:.4g}{limit}"))
    if message.p_value is not None:
        rows.append(("p-value", f"{message.p_value:.2g}"))
    if message.share_explained is not None:
        rows.append(("Share of the change", f"{message.share_explained:.0%}"))
    if message.owner:
        rows.append(("Owner", message.owner))
    return rows


def listed(message: Message) -> list[tuple[str, str]]:
    """Of a message of several alerts a line each and its address; else nothing."""
    if len(message.members) < 2:
        return []
    return [
        (f"[{(m['state'] if m['state'] != FIRING else m['severity']).upper()}] {m['title']}:"
         f" {m['summary']}", m["url"])
        for m in message.members[:MOST]
    ] + ([(f"and {len(message.members) - MOST} more", message.url)]
         if len(message.members) > MOST else [])  # fmt: skip


def links(message: Message) -> list[tuple[str, str]]:
    """Words and addresses: the explorer, the runbook, example traces."""
    rows = [("Open in Assay", message.url)] if message.url else []
    rows += [("Runbook", message.runbook)] if message.runbook else []
    if len(message.members) > 1 and not message.runbook:
        rows += [(f"Runbook of {m['signal']}", m["runbook"]) for m in message.members[:MOST]
                 if m["runbook"]]  # fmt: skip
    return rows + [(f"trace {e['trace_id'][:8]}", e["url"]) for e in message.examples]


def plain(message: Message) -> str:
    """The whole alert as lines of text."""
    lines = [message.summary, ""]
    lines += [f"{name}: {value}" for name, value in facts(message)]
    lines += [f"- {words} {address}".rstrip() for words, address in listed(message)]
    lines += [f"Also: {sentence}" for sentence in message.related]
    lines += ["", *(f"{words}: {address}" for words, address in links(message))]
    return "\n".join(lines).strip() + "\n"


def payload(value: Any) -> bytes:
    """JSON as sinks send it."""
    return json.dumps(value, separators=(",", ":")).encode()
