"""Which onsets are one moment."""

from __future__ import annotations

import dataclasses
import json

from monitors.alerts.message import Message
from monitors.alerts.moment import TOGETHER_MS, Moment, moment, told
from schemas.models import DeliveryRow

HOUR = 3_600_000
MESSAGE = Message("f1-ops", "f1", "assay.finding.firing", "firing", "t", "warning", "p", "s", "")
SENT = DeliveryRow("p", "f1-ops", "f1", "ops", "log", "", "delivered", 1, 200, "", "", 0, 0)


def test_a_moment_has_the_interval_of_its_finding() -> None:
    day = json.dumps({"onset_interval": ["2026-11-25", "2026-11-26"]})
    found = moment(1_795_600_000_000, day)
    assert found == Moment(1_795_600_000_000, 1_795_564_800_000, 1_795_651_200_000)
    hour = {"onset_interval": ["2026-11-25T10:00:00+00:00", "2026-11-25T12:00:00+00:00"]}
    assert moment(1_795_604_400_000, json.dumps(hour)) == Moment(
        1_795_604_400_000, 1_795_600_800_000, 1_795_608_000_000
    )
    for unknown in ("{}", "[]", "no JSON", '{"onset_interval": null}', '{"onset_interval": ["?"]}'):
        assert moment(5, unknown) == Moment(5, 5, 5)


def test_near_onsets_and_onsets_within_an_interval_are_one_moment() -> None:
    first = Moment(10 * HOUR, 10 * HOUR, 10 * HOUR)
    assert first.same(Moment(10 * HOUR + TOGETHER_MS, 0, 0))
    assert not first.same(Moment(10 * HOUR + TOGETHER_MS + 1, 13 * HOUR, 15 * HOUR))
    wide = Moment(20 * HOUR, 9 * HOUR, 21 * HOUR)
    assert first.same(wide) and wide.same(first)


def test_a_dead_delivery_told_nobody() -> None:
    dead = dataclasses.replace(SENT, rule="mail", status="dead")
    alive = {"f1": [(SENT, MESSAGE), (dead, MESSAGE)], "gone": [(SENT, MESSAGE)]}
    (found,) = told(alive, [{"finding_id": "f1", "onset_ms": 7, "details": "{}"}])
    assert (found.destination, found.key, found.moment.onset) == ("ops", "f1", 7)
