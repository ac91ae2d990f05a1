"""From findings to alerts: what is found at one moment in a project is one alert, not twenty."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from monitors.alerts.journal import Event, Pending
from monitors.alerts.message import FIRING, Message, message_id, segment_text
from monitors.alerts.moment import Moment, Told, moment
from schemas.alerting import AlertPolicy
from schemas.models import DeliveryRow, FindingRow

EXAMPLES = 3


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


def examples(project: str, traces: Sequence[str], explorer: str) -> tuple[dict[str, str], ...]:
    """Up to three traces with their addresses."""
    return tuple(
        {"trace_id": trace,
         "url": f"{explorer}/trace?{urlencode({'project': project, 'trace': trace})}"}
        for trace in traces[:EXAMPLES]
    )  # fmt: skip


def findings_page(project: str, explorer: str, finding: str = "") -> str:
    """The page of a project's findings, or of one of them."""
    asked = {"project": project} | ({"finding": finding} if finding else {})
    return f"{explorer}/findings?{urlencode(asked)}"


def describe(found: FindingRow, explorer: str, now_ms: int) -> Message:
    """The firing message of a finding, not yet addressed to anybody."""
    details: dict[str, Any] = json.loads(found.details)
    segment = json.loads(found.segment)
    verb = "fell" if found.effect < 0 else "rose"
    return Message(
        message_id=found.finding_id, key=found.finding_id, type="assay.finding.firing",
        state=FIRING, title=f"{found.signal} {verb} for {segment_text(segment)}",
        severity="warning", project=found.project, signal=found.signal,
        summary=details.get("sentence", ""), segment=segment, onset=iso(found.onset),
        sent_at=iso(now_ms), effect=found.effect,
        effect_interval=(found.effect_low, found.effect_high), p_value=found.p_value,
        share_explained=found.share_explained,
        examples=examples(found.project, details.get("examples", {}).get("after", []), explorer),
        url=findings_page(found.project, explorer, found.finding_id),
        finding_id=found.finding_id,
    )  # fmt: skip


def wants(name: str, policy: AlertPolicy, signal: str, project: str) -> bool:
    """True where an alert's filters let a signal, or a rule by its name, of a project through;
    what is of no project ("") concerns all."""
    return (not policy.signals or signal in policy.signals) and (
        not policy.projects or not project or project in policy.projects
    )


def address(message: Message, event_id: str, name: str, policy: AlertPolicy, to: str, now_ms: int
            ) -> Pending:  # fmt: skip
    """A message to one destination, as it waits in the outbox. `to` says where, less secrets."""
    mine = replace(
        message, message_id=message_id(event_id, name),
        severity=policy.severity or message.severity, owner=message.owner or policy.owner,
        runbook=message.runbook or policy.runbook,
    )  # fmt: skip
    return Pending(
        DeliveryRow(
            message.project, mine.message_id, message.finding_id, name, policy.sink, to, "pending",
            0, 0, "", mine.body, now_ms, now_ms * 1000,
        )
    )  # fmt: skip


def _began(found: FindingRow) -> Moment:
    return moment(found.onset, found.details)


def grouped(findings: Sequence[FindingRow]) -> list[list[FindingRow]]:
    """Confirmed findings by moment, each group with the least likely to be chance at its head."""
    groups: list[list[FindingRow]] = []
    for found in sorted(findings, key=lambda f: (f.onset, f.finding_id)):
        if found.status != "confirmed":
            continue
        if groups and _began(groups[-1][0]).same(_began(found)):
            groups[-1].append(found)
        else:
            groups.append([found])
    return [sorted(g, key=lambda f: (f.p_value, -abs(f.effect), f.finding_id)) for g in groups]


def finding_events(
    findings: Sequence[FindingRow], alerts: Mapping[str, AlertPolicy], targets: Mapping[str, str],
    explorer: str, now_ms: int, open_alerts: Sequence[Told] = (),
) -> list[Event]:  # fmt: skip
    """What confirmed findings of one project ask to send: an event for each moment. Its id is
    that of the finding at its head. A destination that an open alert told of the moment hears
    nothing more of it: the finding stands beside the alert's in the explorer, and names it."""
    events = []
    for group in grouped(findings):
        event_id, pending = group[0].finding_id, []
        for name, policy in alerts.items():
            mine = [f for f in group if wants(name, policy, f.signal, f.project)]
            heard = [t for t in open_alerts if t.destination == name]
            if mine and not any(t.moment.same(_began(f)) for t in heard for f in mine):
                message = replace(
                    describe(mine[0], explorer, now_ms), key=event_id,
                    related=tuple(describe(f, explorer, now_ms).summary for f in mine[1:]),
                )  # fmt: skip
                pending.append(
                    address(message, event_id, name, policy, targets.get(name, ""), now_ms)
                )
        kept = group if pending else [_joined(found, open_alerts) for found in group]
        events.append(
            Event(event_id, group[0].project, event_id, now_ms, tuple(pending), tuple(kept))
        )
    return events


def _joined(found: FindingRow, open_alerts: Sequence[Told]) -> FindingRow:
    """A finding that nobody is told of, whose details name the alert that was open, if any."""
    key = next((t.key for t in open_alerts if t.moment.same(_began(found))), "")
    details = json.loads(found.details) | ({"alert": key} if key else {})
    return replace(found, details=json.dumps(details))
