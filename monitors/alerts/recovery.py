"""When a finding is over: its segment is back within the margin, or nobody uses it any more."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from monitors.alerts.compose import iso
from monitors.alerts.journal import Event, Pending
from monitors.alerts.message import FIRING, RESOLVED, Message, message_id, read
from schemas.models import DeliveryRow, Observation

RECENT_NS = 6 * 3600 * 10**9  # of traffic, by which it is judged
ENOUGH = 40  # sessions


def why_over(found: Mapping[str, Any], rows: Sequence[Observation], margin: float) -> str:
    """Why a finding is over, "" where it is not or too little is known. `found` has the columns of
    a finding; `rows` are the latest traffic that its evaluator scored, all of it after the onset.

    It is back when the 95% interval of its sessions' mean excludes a change of `margin` or more
    in the direction of the finding; a segment without a session among many is gone, as after a
    version was rolled back.
    """
    segment: dict[str, str] = json.loads(found["segment"])
    inside, everyone = defaultdict(list), set()
    for row in rows:
        name = row.session_id or row.trace_id
        everyone.add(name)
        if segment.items() <= row.segment.items():
            inside[name].append(row.value)
    if not inside and len(everyone) >= ENOUGH:
        return f"none of the last {len(everyone)} sessions is of this segment"
    if len(inside) < ENOUGH:
        return ""
    means = [sum(v) / len(v) for v in inside.values()]
    mean = sum(means) / len(means)
    variance = sum((m - mean) ** 2 for m in means) / (len(means) - 1)
    sign = 1 if found["effect"] < 0 else -1
    back = sign * (mean - found["mean_reference"]) - 1.96 * math.sqrt(variance / len(means))
    if back <= -margin:
        return ""
    return (
        f"it is {mean:.2f} over the last {len(means)} sessions, and was"
        f" {found['mean_reference']:.2f} before"
    )


def still_open(rows: Iterable[DeliveryRow]) -> dict[str, list[tuple[DeliveryRow, Message]]]:
    """Firing messages of findings by their alert's key, less those whose end was made already."""
    firing, ended = defaultdict(list), set()
    for row in rows:
        try:
            message = read(row.body)
        except (ValueError, TypeError):
            continue
        if message.state == RESOLVED:
            ended.add(message.key)
        elif message.state == FIRING and message.finding_id:
            firing[message.key].append((row, message))
    return {key: found for key, found in firing.items() if key not in ended}


def end(key: str, sent: Sequence[tuple[DeliveryRow, Message]], why: str, now_ms: int) -> Event:
    """The end of an alert, for whoever was told of its beginning."""
    event_id, pending = f"{key}-end", []
    for row, message in sent:
        over = replace(
            message, message_id=message_id(event_id, row.rule), type="assay.finding.resolved",
            state=RESOLVED, title=f"{message.title} is over", summary=f"It is over: {why}.",
            sent_at=iso(now_ms),
        )  # fmt: skip
        fresh = replace(
            row, delivery_id=over.message_id, status="pending", attempts=0, response_code=0,
            error="", body=over.body, next_attempt_at=now_ms, updated_at=now_ms * 1000,
        )  # fmt: skip
        pending.append(Pending(fresh))
    return Event(event_id, sent[0][0].project, key, now_ms, tuple(pending))
