"""`assay alert`: a destination is tried, listed and silenced from the shell."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from assay.alert import ends, run
from assay.cli import build_parser
from schemas import control
from schemas.clickhouse import Store
from schemas.models import DeliveryRow
from schemas.queries.findings import insert_deliveries, list_deliveries
from schemas.settings import Settings
from tests.monitors.alerts.receivers import SECRET, http_target

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clean(store: Store) -> Iterator[None]:
    """Control state is the store's: leave none behind."""
    yield
    control.apply(store, {}, "test")
    for name in control.read(store).silences:
        control.put(store, ("silence", name), None, "cli", "test")


def call(settings: Settings, text: str) -> int:
    given = build_parser().parse_args(["alert", *text.split()])
    return run(settings, *(getattr(given, name) for name in given.takes))


def test_a_test_sends_a_firing_and_a_resolved_message_and_prints_the_answers(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    mine = dataclasses.replace(settings, allow_private_webhooks=True)
    with http_target() as target:
        target.answers = [(202, {}, ""), (202, {}, ""), (403, {}, "bad key")]
        text = f"alerts: {{pager: {{sink: pagerduty, url: '{target.url}', secret_env: PD}}}}"
        control.apply(store, control.parse(text), "test")
        assert call(mine, "test pager") == 1
        assert "the variable PD is not set" in capsys.readouterr().out
        monkeypatch.setenv("PD", SECRET)
        assert call(mine, "test pager") == 0
        said = capsys.readouterr().out
        assert said.count("ok, 202") == 2 and SECRET not in said
        assert call(mine, "test pager") == 1
        assert "FAILED, 403: bad key" in capsys.readouterr().out
        first, last, _ = (json.loads(r.body) for r in target.requests)
    assert (first["event_action"], last["event_action"]) == ("trigger", "resolve")
    assert first["dedup_key"] == last["dedup_key"]


def test_a_name_that_is_not_there_is_answered_with_those_that_are(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(settings, "test nobody") == 2
    assert "there are: confirmed-finding" in capsys.readouterr().err
    assert call(settings, "test") == 2


def test_alerts_and_silences_are_listed(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "alerts: {a: {sink: slack, url_env: NO_SUCH, signals: [refusal], owner: rag}}"
    control.apply(store, control.parse(text), "test")
    assert call(settings, "silence a --for 2h --reason release") == 0
    assert call(settings, "list") == 0
    said = capsys.readouterr().out
    assert "refusal; owner rag; PROBLEM: the variable NO_SUCH is not set" in said
    assert "silence a until" in said and "(release)" in said
    assert call(settings, "unsilence a") == 0
    assert control.read(store).silences == {}
    assert call(settings, "unsilence a") == 2


def test_a_silence_of_the_file_is_not_changed_from_the_shell(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    control.apply(store, control.parse("silences: {all: {until: 2030-01-01}}"), "test")
    assert call(settings, "silence all --for 1h") == 1
    assert "belongs to file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("until", "length", "end"),
    [
        ("", "30m", "2026-12-01T08:30:00+00:00"),
        ("", "1w", "2026-12-08T08:00:00+00:00"),
        ("2026-12-01T10:00", "", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01T10:01+02:00", "", "2026-12-01T10:01:00+02:00"),
    ],
)
def test_a_silence_ends_where_it_is_told_to(until: str, length: str, end: str) -> None:
    assert ends(until, length, NOW).isoformat() == end


@pytest.mark.parametrize(
    ("until", "length"),
    [("", ""), ("x", "2h"), ("", "2 hours"), ("x", ""), ("2026-12-01T10:00+02:00", "")],
)
def test_a_silence_without_a_good_end_is_refused(until: str, length: str) -> None:
    with pytest.raises(ValueError, match="--"):
        ends(until, length, NOW)


def test_dead_deliveries_are_requeued_under_their_ids(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    project = f"requeue-{uuid.uuid4().hex[:8]}"
    rows = [
        DeliveryRow(project, f"{name}-{state}-{project}", "f", name, "webhook", "", state, 9, 500,
                    "x", "{}", 1, 1_700_000_000_000_000)
        for name, state in (("pager", "dead"), ("office", "dead"), ("pager", "delivered"))
    ]  # fmt: skip
    insert_deliveries(store, rows)
    assert call(settings, f"requeue pager --project {project}") == 0
    assert "1 dead delivery will be tried again" in capsys.readouterr().out
    after = {d["delivery_id"]: d for d in list_deliveries(store, project)}
    assert after[f"pager-dead-{project}"]["status"] == "pending"
    assert after[f"pager-dead-{project}"]["attempts"] == 0
    assert after[f"office-dead-{project}"]["status"] == "dead"
    assert after[f"pager-delivered-{project}"]["status"] == "delivered"
