"""A collector makes the sums of closed hours of every project, and again after a deletion."""

from __future__ import annotations

import threading
import time

import pytest

from collector.hours import ALL, Hours
from schemas import clickhouse
from schemas.hours import keeping, rolled
from schemas.hours.keeping import TRAFFIC_HOURS
from schemas.models import SpanRow
from schemas.queries import deletion, spans
from schemas.settings import Settings

HOUR = 3600 * 10**9


def test_closed_hours_are_made_and_made_again(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = clickhouse.connect(own_settings)
    start = (time.time_ns() // HOUR - 9) * HOUR
    for name in ("one", "two"):
        spans.insert_spans(
            store, [SpanRow(name, f"{n:032x}", f"{n:016x}", start + n * HOUR) for n in range(10)],
            name,
        )  # fmt: skip
    at = keeping.clock(store)
    while keeping.clock(store) <= at + 1:
        time.sleep(0.001)
    hours = Hours(own_settings, threading.Event(), quiet=0)

    def made(name: str) -> int:
        return len(rolled.closed(store, name, TRAFFIC_HOURS).hours)

    assert hours.look() == 0
    assert (made("one"), made("two")) == (8, 8)  # the last two are open
    deletion.erase(store, "one", [("trace", "0" * 32)], deletion.Names())
    assert (made("one"), made("two")) == (0, 8)
    monkeypatch.setattr(hours, "_all", -ALL)  # an hour later
    hours.look()
    assert (made("one"), made("two")) == (8, 8)


def test_it_ends_where_the_collector_ends(own_settings: Settings) -> None:
    stop = threading.Event()
    stop.set()
    assert Hours(own_settings, stop, quiet=0).look() == 0
