"""Silences end, and quiet hours hold what is less than critical."""

from __future__ import annotations

from datetime import datetime

import pytest

from monitors.alerts.hold import held, in_quiet_hours
from schemas.alerting import AlertPolicy, SilencePolicy
from tests.monitors.alerts.receivers import message

NIGHT = AlertPolicy(quiet="22:00-07:00", timezone="Europe/Madrid")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-07-01T19:59:59+00:00", False),  # Madrid is two hours ahead in summer
        ("2026-07-01T20:00:00+00:00", True),
        ("2026-07-02T04:59:59+00:00", True),
        ("2026-07-02T05:00:00+00:00", False),
        ("2026-12-01T20:30:00+00:00", False),  # and one in winter
        ("2026-12-01T21:00:00+00:00", True),
    ],
)
def test_quiet_hours_are_local_and_span_midnight(at: str, quiet: bool) -> None:
    assert in_quiet_hours(NIGHT, ms(at)) is quiet


def test_quiet_hours_within_a_day_end_with_their_last_minute() -> None:
    noon = AlertPolicy(quiet="12:00-13:00")
    found = [in_quiet_hours(noon, ms(f"2026-01-01T{t}+00:00")) for t in ("11:59", "12:00", "13:00")]
    assert found == [False, True, False]


def test_what_is_critical_does_not_wait_for_the_morning() -> None:
    now = ms("2026-12-01T23:00:00+00:00")
    assert held(message(severity="error"), "a", NIGHT, {}, now).startswith("quiet hours")
    assert held(message(severity="critical"), "a", NIGHT, {}, now) == ""


@pytest.mark.parametrize(
    ("name", "project", "waits"),
    [("on-call", "", True), ("groundedness", "", True), ("all", "", True), ("other", "", False),
     ("all", "shop", True), ("all", "else", False)],
)  # fmt: skip
def test_a_silence_is_found_by_alert_signal_or_all(name: str, project: str, waits: bool) -> None:
    silences = {name: SilencePolicy("2026-12-01T10:00", project)}
    before, at = ms("2026-12-01T09:59+00:00"), ms("2026-12-01T10:00+00:00")
    assert bool(held(message(), "on-call", AlertPolicy(), silences, before)) is waits
    assert held(message(), "on-call", AlertPolicy(), silences, at) == ""
