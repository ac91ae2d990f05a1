"""The one message of alerts of rules that fire together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from monitors.alerts.compose import EXAMPLES, iso
from monitors.alerts.message import FIRING, RESOLVED, Message
from schemas.alerting import SEVERITIES


def group_message(group_id: str, told: Sequence[Message], over: bool, now_ms: int) -> Message:
    """What a group says of the alerts `told`, of which the gravest stand first; `over`: all of it
    has ended. One alert alone says what it would say without a group."""
    members = sorted(told, key=lambda m: (m.state != FIRING, -_rank(m), m.onset, m.key))
    alone = len(members) == 1 and (members[0].state == RESOLVED) == over
    head = members[0] if alone else _several(members, over)
    return replace(
        head, key=group_id, message_id=group_id, state=RESOLVED if over else FIRING,
        sent_at=iso(now_ms), members=tuple(_entry(m) for m in members),
    )  # fmt: skip


def _rank(message: Message) -> int:
    return SEVERITIES.index(message.severity)


def _several(members: list[Message], over: bool) -> Message:
    firing = [m for m in members if m.state == FIRING]
    gone = [m for m in members if m.state != FIRING]
    about = firing or members
    names = ", ".join(dict.fromkeys(m.signal for m in about))
    project = members[0].project
    where = f" in {project}" if project else ""
    verb = "fires" if len(firing) == 1 else "fire"
    said = [f"{_count(firing)} of rules {verb}"] if firing else []
    if gone:
        their = ", ".join(dict.fromkeys(m.signal for m in gone))
        said.append(f"{_count(gone)} {'is' if len(gone) == 1 else 'are'} over ({their})")
    state = RESOLVED if over else FIRING
    owners, books = ({getattr(m, name) for m in about} for name in ("owner", "runbook"))
    examples = [e for m in firing for e in m.examples[:1]][:EXAMPLES]
    return Message(
        message_id="", key="", type=f"assay.group.{state}", state=state,
        title=f"{_count(about)}{where}: {names}{'' if firing else ' over'}",
        severity=max(about, key=_rank).severity, project=project, signal=names,
        summary="; ".join(said) + ".", onset=min(m.onset for m in about),
        examples=tuple(examples), url=members[0].url,
        owner=", ".join(sorted(owners - {""})), runbook=books.pop() if len(books) == 1 else "",
    )  # fmt: skip


def _count(members: list[Message]) -> str:
    return "1 alert" if len(members) == 1 else f"{len(members)} alerts"


def _entry(message: Message) -> dict[str, Any]:
    """A member as it stands in the group's message. Traces are linked by the group's `examples`
    alone, which is where deleted ones are taken out of."""
    names = ("key", "signal", "state", "title", "severity", "summary", "onset", "value",
             "threshold", "url", "owner", "runbook")  # fmt: skip
    return {name: getattr(message, name) for name in names}
