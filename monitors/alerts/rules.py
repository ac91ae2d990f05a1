"""The default alert rule: a confirmed finding on a score pages once."""

from __future__ import annotations

import json

from schemas.models import DeliveryRow, FindingRow

NAME = "confirmed-finding"


def messages(finding: FindingRow, sink: str, target: str, now_ms: int) -> list[DeliveryRow]:
    """The deliveries that a finding asks for: none unless it is confirmed."""
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
        DeliveryRow(finding.project, f"{finding.finding_id}-{sink}", finding.finding_id, NAME, sink,
                    target, "pending", 0, 0, "", json.dumps(body), now_ms, now_ms * 1000)
    ]  # fmt: skip
