"""A judge of another version, or another sample of traffic: findings of their own, because neither
is a change of quality. Scores of two versions are never compared, and streams weigh each score by
the inverse of its sampling probability."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from monitors.findings import identity
from schemas.clickhouse import Store
from schemas.models import FindingRow
from schemas.queries import monitoring

LEAST = 50  # scored traces of each of the two
FACTOR = 1.25  # a smaller change of the probability is none


def version_findings(store: Store, project: str, start_ns: int, end_ns: int) -> list[FindingRow]:
    """What replaced what among versions and sampling probabilities in [start, end). Their status
    is 'observed': shown, never sent."""
    by_evaluator: dict[str, list[Mapping[str, Any]]] = {}
    for row in monitoring.samplings(store, project, start_ns, end_ns):
        if row["scored"] >= LEAST:
            by_evaluator.setdefault(row["evaluator"], []).append(row)
    return [
        found for name, rows in by_evaluator.items() for a, b in pairwise(rows)
        if (found := _finding(project, name, a, b)) is not None
    ]  # fmt: skip


def _finding(
    project: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> FindingRow | None:
    a, b = float(old["probability"]), float(new["probability"])
    at = int(new["first_ms"])
    when = f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    if old["version"] != new["version"]:
        signal, detector = f"version_{name}", "judge_version"
        text = (
            f"{name} was scored by version {old['version']}, since {when} by {new['version']}:"
            " another judge, not another quality; its streams begin anew"
        )
    elif max(a, b) > FACTOR * min(a, b):
        signal, detector = f"sampling_{name}", "sampling"
        text = (
            f"{name} scored traces with probability {a:g}, since {when} with {b:g}: means are"
            " weighted by it, and are no quality change by themselves"
        )
    else:
        return None
    details = {"sentence": text, "onset": datetime.fromtimestamp(at / 1000, UTC).isoformat(),
               "before": dict(old), "after": dict(new)}  # fmt: skip
    key = identity(project, detector, name, old["version"], new["version"], a, b, at // 86_400_000)
    return FindingRow(
        project, key, signal, detector, "{}", "observed", at, int(old["first_ms"]),
        int(new["last_ms"]), int(old["scored"]), int(new["scored"]), a, b, b - a, 0.0, 0.0, 1.0,
        0.0, json.dumps(details), time.time_ns() // 10**6,
    )  # fmt: skip


def unknown(found: Sequence[FindingRow], earlier: Sequence[Mapping[str, Any]]) -> list[FindingRow]:
    """Those that are not among earlier findings."""
    ids = {each["finding_id"] for each in earlier}
    return [each for each in found if each.finding_id not in ids]
