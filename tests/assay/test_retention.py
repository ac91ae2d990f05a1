"""Retention of a project: in rows that come, in rows that are stored, shortened and prolonged."""

from __future__ import annotations

import dataclasses
import time
import uuid
from pathlib import Path

import pytest

from assay import control as commands
from assay import retention
from collector import keeping
from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries.retention import held
from schemas.queries.spans import insert_spans, span_ids
from schemas.settings import Settings
from tests.conftest import own_settings

DAY = 86_400 * 10**9


settings = own_settings  # the tests of this file look at every project


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "FRESH", 0)


def aged(store: Store, project: str, *days: int) -> None:
    """One span a trace, so many days old, under the default retention."""
    now = time.time_ns()
    rows = [
        SpanRow(project, f"{number:032x}", f"{number:016x}", now - age * DAY - 10**9)
        for number, age in enumerate(days, 1)
    ]
    insert_spans(store, rows, str(uuid.uuid4()))


def test_shortening_deletes_old_rows_and_keeps_young_ones(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    aged(store, "short", 1, 5, 10, 20)
    aged(store, "untouched", 1, 20)
    config = tmp_path / "assay.yaml"
    config.write_text("retention: {short: {days: 7}}\n")
    there = dataclasses.replace(settings, config=config)
    assert commands.apply(there, False) == 0
    assert [(r["days"], r["spans"]) for r in held(store, "short")] == [(7, 2)]
    assert len(span_ids(store, "short")) == 2
    assert [(r["days"], r["spans"]) for r in held(store, "untouched")] == [(30, 2)]
    config.write_text("retention: {short: {days: 365}}\n")
    assert commands.apply(there, False) == 0
    assert [(r["days"], r["spans"]) for r in held(store, "short")] == [(365, 2)]
    config.write_text("{}\n")
    assert commands.apply(there, False) == 0
    assert [(r["days"], r["spans"]) for r in held(store, "short")] == [(30, 2)]


def test_a_wrong_number_of_days_is_refused(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "assay.yaml"
    config.write_text("retention: {short: {days: 8}}\n")
    assert commands.apply(dataclasses.replace(settings, config=config), False) == 1
    assert "must be one of 7, 14, 30, 90, 365, 0" in capsys.readouterr().err
    assert retention.run(settings, "short", "8") == 2
    assert retention.run(settings, "", "30") == 2


def test_a_collector_reads_policies_and_keeps_them_while_clickhouse_is_away(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    config = tmp_path / "assay.yaml"
    config.write_text("retention: {mine: {days: 90}, default: {days: 14}}\n")
    assert commands.apply(dataclasses.replace(settings, config=config), False) == 0
    keeper = keeping.Keeper(tmp_path, keeping.look(settings))
    keeper.refresh()
    assert (keeper.now().retentions.days("mine"), keeper.now().retentions.days("x")) == (90, 14)

    def away(_stamp: object) -> object:
        raise clickhouse.Retryable("away")

    later = keeping.Keeper(tmp_path, away)  # type: ignore[arg-type]
    assert later.now().retentions == keeper.now().retentions
    config.write_text("{}\n")
    assert commands.apply(dataclasses.replace(settings, config=config), False) == 0
