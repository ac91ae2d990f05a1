"""A backup restores, a copy moves, all of it and once, and the ledger says so."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay import transfer
from assay.transfer import TransferError, account, backup, copy, restore
from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.models import LogRow, MetricRow, ScoreRow, SpanRow
from schemas.queries import logs, metrics, scores, spans
from schemas.queries import transfer as queries
from tests.conftest import serving

NOW = time.time_ns() - 3600 * 10**9
PROJECT = "shop"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with a little of everything, which no test changes."""
    with serving(tmp_path_factory.mktemp("source")) as settings:
        store = clickhouse.connect(settings)
        _fill(store)
        yield store
        store.close()


@pytest.fixture
def pair(source: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """A store with a little of everything, and an empty one."""
    with serving(tmp_path_factory.mktemp("target")) as settings:
        target = clickhouse.connect(settings)
        yield source, target
        target.close()


def _fill(source: Store) -> None:
    rows = [
        SpanRow(PROJECT, f"{n:032x}", f"{n:016x}", NOW + n * 10**9, input=f"question {n}",
                output="said", documents=["paper"], attributes={"k": "v"}, segment="a",
                ingested_at=NOW // 10**6)
        for n in range(500)
    ]  # fmt: skip
    spans.insert_spans(source, rows, "a")
    again = [SpanRow(**{f: getattr(r, f) for f in SpanRow.__slots__ if f != "segment"}, segment="b")
             for r in rows[:50]]  # fmt: skip
    spans.insert_spans(source, again, "b")  # as a client sends twice
    logs.insert_logs(source, [LogRow(PROJECT, NOW, "l1", body="hi", segment="c")], "c")
    metrics.insert_metrics(
        source, [MetricRow(PROJECT, "calls", "sum", NOW, "m1", value=2.0, segment="d")], "d"
    )
    scores.insert_scores(
        source, [ScoreRow(PROJECT, "g", "1", f"{1:032x}", f"{1:016x}", NOW, "scored", 0.5, 1)]
    )


def _same(source: Store, target: Store) -> None:
    assert account(target) == account(source)
    trace = spans.trace_spans(target, PROJECT, f"{77:032x}")
    assert trace == spans.trace_spans(source, PROJECT, f"{77:032x}")
    assert trace[0]["input"] == "question 77" and list(trace[0]["documents"]) == ["paper"]
    assert logs.count_logs(target, PROJECT) == 1
    assert len(metrics.metric_points(target, PROJECT, "calls", NOW - 1, NOW + 1)) == 1
    assert len(scores.trace_scores(target, PROJECT, f"{1:032x}")) == 1
    assert spans.list_traces(target, PROJECT, NOW, NOW + 10**13, search="question 77")


def test_a_backup_restores_all_of_it_once_in_small_pieces(
    pair: tuple[Store, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PIECE", 100)
    source, target = pair
    folder = tmp_path / "backup"
    backup(source, folder, lambda _text: None)
    assert len(list(folder.glob("spans-*.native.gz"))) > 3
    for _ in range(2):  # the second time as after a restore that was cut off
        restore(target, folder, lambda _text: None)
    _same(source, target)


def test_a_copy_moves_all_of_it_once(pair: tuple[Store, Store]) -> None:
    source, target = pair
    for _ in range(2):
        copy(source, target, lambda _text: None)
    _same(source, target)


def test_what_is_no_backup_or_would_mix_is_refused_in_words(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    folder = tmp_path / "backup"
    backup(source, folder, lambda _text: None)
    with pytest.raises(TransferError, match="is not empty"):
        backup(source, folder, lambda _text: None)
    with pytest.raises(TransferError, match="no backup"):
        restore(target, tmp_path, lambda _text: None)
    other = SpanRow("other", uuid.uuid4().hex, "a" * 16, NOW, segment="o")
    spans.insert_spans(target, [other], "o")
    with pytest.raises(TransferError, match="holds other spans"):
        restore(target, folder, lambda _text: None)


def test_a_piece_that_is_missing_is_told_by_the_ledger(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    folder = tmp_path / "backup"
    backup(source, folder, lambda _text: None)
    manifest = json.loads((folder / transfer.MANIFEST).read_text())
    manifest["pieces"] = [p for p in manifest["pieces"] if p["table"] != "spans"]
    (folder / transfer.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(TransferError, match="500 distinct ones, there are 0"):
        restore(target, folder, lambda _text: None)
