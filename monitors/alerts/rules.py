"""Alert rules: a confirmed finding goes once to each rule that names its signal."""

from __future__ import annotations

import json
from collections.abc import Mapping

from schemas.control import AlertPolicy
from schemas.models import DeliveryRow, FindingRow

NAME = "confirmed-finding"


def messages(
    finding: FindingRow, alerts: Mapping[str, AlertPolicy], target: str, now_ms: int
) -> list[DeliveryRow]:
    """The deliveries that a finding asks for: none unless it is confirmed. `target` is the
    webhook's address."""
    if finding.status != "confirmed":
        return []
    details = json.loads(finding.details)
    body = {
        "type": "assay.finding.confirmed", "project": finding.project,
        "finding_id": finding.finding_id, "signal": finding.signal,
        "segment": json.loads(finding.segment), "onset": details.get("onset", ""),
        "effect": finding.effect, "effect_interval": [finding.effect_low, finding.effect_high],
        "p_value": finding.p_value, "share_explained": finding.share_explained,
        "summary": details.get("sentence", ""),
    }  # fmt: skip
    return [
        DeliveryRow(finding.project, f"{finding.finding_id}-{name}", finding.finding_id, name,
                    alert.sink, target if alert.sink == "webhook" else "", "pending", 0, 0, "",
                    json.dumps(body), now_ms, now_ms * 1000)
        for name, alert in alerts.items()
        if not alert.signals or finding.signal in alert.signals
    ]  # fmt: skip
