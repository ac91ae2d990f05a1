"""Counts of refused items are added up by signal, reason and SDK, once per token."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime

from schemas.clickhouse import Store
from schemas.models import RejectionRow
from schemas.queries.rejections import insert_rejections, list_rejections


def test_the_same_reason_adds_up_once_per_token_and_stays_in_its_project(store: Store) -> None:
    project, now = f"p-{uuid.uuid4()}", time.time_ns() // 10**6
    day = datetime.fromtimestamp(now / 1000, UTC).date()
    row = RejectionRow(project, day, "traces", "bad id", "python 1.40", "{}", 2, now, now)
    for _ in range(2):
        insert_rejections(store, [row], f"{project}-1")
    later = replace(row, count=3, first_at=now + 5, last_at=now + 9, sample='{"name": "ask"}')
    other = replace(row, reason="bad time", count=1)
    insert_rejections(store, [later, other], f"{project}-2")
    first, second = list_rejections(store, project)
    assert (first["reason"], first["items"], first["sdk"]) == ("bad id", 5, "python 1.40")
    assert (first["first_ms"], first["last_ms"]) == (now, now + 9)
    assert (second["reason"], second["items"]) == ("bad time", 1)
    assert list_rejections(store, f"{project}-other") == []
