"""What became of each item that an evaluator was asked about: scored, or why not."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.queries.verdicts import verdicts


def outcomes(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """By status and reason (its first 200 characters), the most frequent first: status, reason,
    items, and `example`, a trace of the last one. Of an item's several rows the newest counts."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in verdicts(store, project, start_ns, end_ns, evaluator):
        if row["version"] != version:
            continue
        of = found.setdefault(
            (row["status"], row["reason"]),
            {"status": row["status"], "reason": row["reason"], "items": 0,
             "example": row["example"]},
        )  # fmt: skip
        of["items"] += int(row["items"])
    return sorted(found.values(), key=lambda row: (-row["items"], row["status"], row["reason"]))
