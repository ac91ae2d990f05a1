"""The durable outbox: a delivery is stored as pending before it is tried, and tried until it
arrives, is refused for good (410) or has failed MAX_ATTEMPTS times."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from schemas.clickhouse import Store
from schemas.models import DeliveryRow
from schemas.queries.findings import insert_deliveries, list_deliveries
from schemas.settings import Settings

MAX_ATTEMPTS = 12
Sink = Callable[[Settings, str, str], tuple[int, str]]


def delay_ms(attempt: int) -> int:
    """Wait after the n-th failure: 1 s doubling to an hour, with jitter."""
    return round(1000 * min(3600.0, 2.0**attempt) * random.uniform(0.5, 1.0))


def attempt(delivery: DeliveryRow, sink: Sink, settings: Settings, now_us: int) -> DeliveryRow:
    """Try once; the row that replaces the delivery."""
    code, error = sink(settings, delivery.delivery_id, delivery.body)
    tried = delivery.attempts + 1
    status = "delivered" if 200 <= code < 300 else "pending"
    if status == "pending" and (code == 410 or tried >= MAX_ATTEMPTS):
        status = "dead"
    return replace(
        delivery, status=status, attempts=tried, response_code=code, error=error,
        next_attempt_at=now_us // 1000 + delay_ms(tried), updated_at=now_us,
    )  # fmt: skip


def _unknown(_settings: Settings, _message_id: str, _body: str) -> tuple[int, str]:
    return 410, "no sink of this name is installed; see docs/add-a-sink.md"


def drain(store: Store, project: str, sinks: Mapping[str, Sink], settings: Settings) -> int:
    """Try every pending delivery that is due; the number delivered."""
    done = 0
    names = [f.name for f in fields(DeliveryRow)]
    for row in list_deliveries(store, project):
        now_us = time.time_ns() // 1000
        if row["status"] != "pending" or row["next_attempt_ms"] > now_us // 1000:
            continue
        whole = {**row, "next_attempt_at": row["next_attempt_ms"], "updated_at": now_us}
        delivery = DeliveryRow(**{name: whole[name] for name in names})
        result = attempt(
            delivery, sinks.get(delivery.sink, _unknown), settings, time.time_ns() // 1000
        )
        insert_deliveries(store, [result])
        done += result.status == "delivered"
    return done
