"""From findings to alerts."""

from __future__ import annotations

import dataclasses
import json

import pytest

from monitors.alerts.compose import finding_events
from monitors.alerts.journal import Event
from monitors.alerts.message import Message, message_id, read
from monitors.alerts.moment import TOGETHER_MS, Told, moment
from schemas.alerting import AlertPolicy
from schemas.models import FindingRow

DETAILS = {"sentence": "groundedness fell ...", "examples": {"after": ["a" * 32, "b", "c", "d"]}}
FOUND = FindingRow("shop", "f1", "groundedness", "mean_shift", '{"model": "x y"}', "confirmed",
                   1_800_000_000_000, 0, 2, 300, 400, 0.8, 0.6, -0.2, -0.3, -0.1, 0.001, 0.9,
                   json.dumps(DETAILS), 5)  # fmt: skip
ALL = {"all": AlertPolicy("log")}


def events(*found: FindingRow, alerts: dict[str, AlertPolicy] | None = None) -> list[Event]:
    return finding_events(found, ALL if alerts is None else alerts, {}, "http://ui", 7)


def only(event: Event) -> Message:
    (pending,) = event.pending
    return read(pending.row.body)


def test_an_alert_carries_the_cause_examples_and_links() -> None:
    (event,) = events(FOUND)
    sent = only(event)
    assert sent.title == "groundedness fell for model=x y"
    assert (sent.effect, sent.effect_interval) == (-0.2, (-0.3, -0.1))
    assert (sent.p_value, sent.share_explained) == (0.001, 0.9)
    assert sent.onset == "2027-01-15T08:00:00+00:00"
    assert sent.summary == "groundedness fell ..."
    assert [e["trace_id"] for e in sent.examples] == ["a" * 32, "b", "c"]
    assert sent.examples[0]["url"] == f"http://ui/trace?project=shop&trace={'a' * 32}"
    assert sent.url == f"http://ui/findings?project=shop&finding={sent.finding_id}"


def test_what_is_found_at_one_moment_is_one_alert() -> None:
    twenty = [
        dataclasses.replace(
            FOUND, finding_id=f"f{n}", signal=f"s{n}", p_value=0.002 - n * 1e-5,
            onset=FOUND.onset + n * 60_000,
        )
        for n in range(20)
    ]  # fmt: skip
    (event,) = events(*twenty)
    sent = only(event)
    assert sent.signal == "s19" and len(sent.related) == 19
    assert len(event.findings) == 20 and event.event_id == "f19"
    later = dataclasses.replace(FOUND, finding_id="g", onset=FOUND.onset + TOGETHER_MS + 1)
    assert len(events(FOUND, later)) == 2


def test_what_an_open_alert_told_of_a_moment_is_told_nobody_twice() -> None:
    later = dataclasses.replace(FOUND, finding_id="g", signal="refusal", onset=FOUND.onset + 1)
    both = {**ALL, "office": AlertPolicy("log", ("refusal",))}
    heard = [Told("all", "f1", moment(FOUND.onset, FOUND.details))]
    (event,) = finding_events([later], both, {}, "http://ui", 7, heard)
    assert [p.row.rule for p in event.pending] == ["office"]  # which heard nothing yet
    (event,) = finding_events([later], ALL, {}, "http://ui", 7, heard)
    assert event.pending == () and json.loads(event.findings[0].details)["alert"] == "f1"
    another = dataclasses.replace(later, onset=FOUND.onset + TOGETHER_MS + 1)
    (event,) = finding_events([another], ALL, {}, "http://ui", 7, heard)
    assert only(event).signal == "refusal" and event.findings == (another,)


@pytest.mark.parametrize("status", ["uncalibrated", "observed"])
def test_only_confirmed_findings_page(status: str) -> None:
    assert events(dataclasses.replace(FOUND, status=status)) == []


def test_an_alert_goes_to_who_asked_for_its_signal_and_project() -> None:
    alerts = {
        "mine": AlertPolicy("log", ("groundedness",), severity="critical", owner="rag"),
        "other-signal": AlertPolicy("log", ("refusal",)),
        "other-project": AlertPolicy("log", projects=("bank",)),
        "here": AlertPolicy("log", projects=("shop",), runbook="https://r"),
    }
    (event,) = events(FOUND, alerts=alerts)
    sent = {p.row.rule: read(p.row.body) for p in event.pending}
    assert set(sent) == {"mine", "here"}
    assert (sent["mine"].severity, sent["mine"].owner) == ("critical", "rag")
    assert (sent["here"].severity, sent["here"].runbook) == ("warning", "https://r")
    assert event.findings == (FOUND,)


def test_a_finding_that_nobody_wants_is_kept_and_not_sent() -> None:
    (event,) = events(FOUND, alerts={"other": AlertPolicy("log", ("refusal",))})
    assert event.pending == () and event.finished and event.findings == (FOUND,)


def test_the_same_finding_has_the_same_id_and_every_id_fits_a_header() -> None:
    again, once = events(FOUND), events(FOUND)
    assert again == once
    assert message_id("f", "on-call") == "f-on-call"
    assert message_id("f", "é\n").isascii() and message_id("f", "é\n").isprintable()


def test_a_body_of_a_newer_version_is_read_without_what_is_new() -> None:
    (event,) = events(FOUND)
    sent = only(event)
    newer = json.dumps({**json.loads(sent.body), "colour": "red"})
    assert read(newer) == sent
