"""What a project's documents are used for, held against a plain count over the spans."""

from __future__ import annotations

import math
import random
import time
import uuid
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import retrieval, spans
from schemas.settings import Settings

HOUR, DAY = 3600 * 10**9, 86_400 * 10**9
START = (time.time_ns() // DAY - 6) * DAY
MIDDLE, END = START + 2 * DAY, START + 4 * DAY
SOURCES, TEXTS = ("wiki", "faq", "tickets"), [f"{n} " + "text of it " * 30 for n in range(9)]


def planted(name: str) -> list[SpanRow]:
    """200 retrievals over four days: of several sources or none told, with and without ids and
    scores, one text under two ids, some found nothing; several in one trace, two at one moment."""
    draw, made = random.Random(7), []
    for n in range(200):
        at = START + draw.randrange(4 * DAY)
        several = range(draw.choice([0, 1, 2, 5]))
        late = 9 if at < MIDDLE else 7  # the last texts are not used any more
        some = [draw.randrange(late) for _ in several]
        full = n % 4
        made.append(SpanRow(
            name, f"{n // 2 + 1:032x}", f"{n + 1:016x}", at, name="find", kind="RETRIEVER",
            input=f"query {n}", documents=[TEXTS[t] for t in some],
            document_ids=[f"d{t}{'b' if t == 3 and n % 2 else ''}" for t in some] if full else [],
            document_scores=[draw.choice([t / 8, math.nan]) for t in some] if full > 1 else [],
            document_sources=[SOURCES[t % 3] for t in some] if full != 1 and n % 7 else [],
        ))  # fmt: skip
    return [*made, replace(made[-1], trace_id="f" * 32, span_id="e" * 16)]


@pytest.fixture(scope="module")
def stored(settings: Settings) -> tuple[str, list[SpanRow]]:
    """Every third span was sent twice."""
    name = f"documents-{uuid.uuid4().hex[:8]}"
    made = planted(name)
    store = clickhouse.connect(settings)
    spans.insert_spans(store, made, name)
    spans.insert_spans(store, made[::3], f"{name}-again")
    store.close()
    return name, made


Use = tuple[SpanRow, int, float]


def uses(made: list[SpanRow], start: int, end: int) -> dict[tuple[str, str, str], list[Use]]:
    """(span, position, score) of each use by (source, id, text)."""
    found: dict[tuple[str, str, str], list[Use]] = {}
    for row in made:
        for n, text in enumerate(row.documents if start <= row.start_time < end else []):
            one = (
                row.document_sources[n] if row.document_sources else "",
                row.document_ids[n] if row.document_ids else "", text,
            )  # fmt: skip
            score = row.document_scores[n] if row.document_scores else math.nan
            found.setdefault(one, []).append((row, n + 1, score))
    return found


def mean(scores: list[float]) -> Any:
    told = [score for score in scores if math.isfinite(score)]
    return pytest.approx(fmean(told) if told else math.nan, nan_ok=True, abs=1e-6)


def said(one: tuple[str, str, str], of: list[Use]) -> dict[str, Any]:
    return {
        "source": one[0], "id": one[1], "text": one[2][:200], "times": len(of),
        "traces": len({row.trace_id for row, _, _ in of}),
        "mean_score": mean([score for _, _, score in of]),
        "mean_position": pytest.approx(fmean(at for _, at, _ in of)),
        "last_ns": max(row.start_time for row, _, _ in of),
    }  # fmt: skip


@pytest.mark.parametrize("source", [None, "faq", ""])
@pytest.mark.parametrize("order", ["most", "least", "lowest"])
def test_documents_are_counted_in_order(
    store: Store, stored: tuple[str, list[SpanRow]], order: str, source: str | None
) -> None:
    name, made = stored
    start, end = START + 5 * HOUR, END - 7 * HOUR

    def place(row: dict[str, Any]) -> float:
        if order == "lowest":
            return float(row["mean_score"].expected)
        return float(-row["times"] if order == "most" else row["times"])

    wanted = [said(*one) for one in uses(made, start, end).items()]
    if order == "lowest":
        wanted = [r for r in wanted if math.isfinite(place(r)) and r["times"] >= 3]
    wanted = [row for row in wanted if source in (None, row["source"])]
    wanted.sort(key=lambda row: (place(row), -row["last_ns"], row["source"], row["id"]))
    found = retrieval.document_use(store, name, start, end, order=order, source=source)
    assert found == wanted and found
    few = retrieval.document_use(store, name, start, end, 3, order, source)
    assert [place_of(row, order) for row in few] == [place_of(r, order) for r in found[:3]]


def place_of(row: dict[str, Any], order: str) -> float:
    return float(row["mean_score"] if order == "lowest" else row["times"])


def test_sources_are_counted(store: Store, stored: tuple[str, list[SpanRow]]) -> None:
    name, made = stored
    by: dict[str, list[tuple[str, Use]]] = {}
    for (source, _, text), of in uses(made, START, MIDDLE).items():
        by.setdefault(source, []).extend((text, one) for one in of)
    wanted = [
        {
            "source": source, "documents": len({text for text, _ in of}), "times": len(of),
            "traces": len({row.trace_id for _, (row, _, _) in of}),
            "mean_score": mean([score for _, (_, _, score) in of]),
        }
        for source, of in by.items()
    ]  # fmt: skip
    wanted.sort(key=lambda row: (-row["times"], row["source"]))
    assert retrieval.source_use(store, name, START, MIDDLE) == wanted
    ids = {one for one in uses(made, START, MIDDLE) if one[2] == TEXTS[3] and one[0] == "wiki"}
    assert {one[1] for one in ids} >= {"d3", "d3b"}, "one text under two ids is among them"


def test_what_is_not_used_any_more_is_listed(
    store: Store, stored: tuple[str, list[SpanRow]]
) -> None:
    name, made = stored
    now = uses(made, MIDDLE, END)
    wanted = [said(one, of) for one, of in uses(made, START, MIDDLE).items() if one not in now]
    wanted = [
        {k: row[k] for k in ("source", "id", "text", "times", "last_ns")} for row in wanted
    ]  # fmt: skip
    wanted.sort(key=lambda row: (-row["times"], -row["last_ns"], row["source"], row["id"]))
    assert retrieval.no_longer_used(store, name, START, MIDDLE, END) == wanted and wanted


def test_retrievals_without_a_document_are_listed(
    store: Store, stored: tuple[str, list[SpanRow]]
) -> None:
    name, made = stored
    wanted = [row for row in made if not row.documents and START <= row.start_time < MIDDLE]
    wanted.sort(key=lambda row: (-row.start_time, row.trace_id))
    found = retrieval.found_nothing(store, name, START, MIDDLE)
    assert [(row["trace_id"], row["query"]) for row in found] == [
        (row.trace_id, row.input) for row in wanted
    ]


def test_nothing_in_a_range_is_an_empty_list(store: Store) -> None:
    for ask in (retrieval.document_use, retrieval.source_use, retrieval.found_nothing):
        assert ask(store, "none", START, END) == []
    assert retrieval.no_longer_used(store, "none", START, MIDDLE, END) == []


def test_hashes_are_of_the_texts_that_are_stored(
    store: Store, stored: tuple[str, list[SpanRow]]
) -> None:
    (row,) = store.rows(
        """
        SELECT count() AS n, countIf(document_span = 0) AS without FROM span_texts
        WHERE project = {project:String} AND (
            document_texts != arrayMap(t -> cityHash64(t), documents)
            OR length(document_keys) != length(documents)
            OR (document_span = 0) != empty(documents)
            OR document_trace != if(empty(documents), 0, cityHash64(trace_id)))
        """,
        project=stored[0],
    )
    assert row == {"n": 0, "without": 0}


def test_spans_that_were_stored_before_the_hashes_count_alike(
    store: Store, stored: tuple[str, list[SpanRow]]
) -> None:
    name, _ = stored

    def counted() -> list[dict[str, Any]]:
        rows = [
            *retrieval.document_use(store, name, START, END),
            *retrieval.source_use(store, name, START, END),
        ]
        return [{**row, "mean_score": mean([row["mean_score"]])} for row in rows]

    before = counted()
    columns = ("document_trace", "document_span", "document_texts", "document_keys")
    parts = store.rows(
        "SELECT DISTINCT _partition_id AS id FROM span_texts WHERE project = {project:String}",
        project=name,
    )
    for part in parts:
        cleared = ", ".join(f"CLEAR COLUMN {c} IN PARTITION ID '{part['id']}'" for c in columns)
        store.command(f"ALTER TABLE span_texts {cleared} SETTINGS mutations_sync = 2")
    (left,) = store.rows(
        """
        SELECT count() AS n FROM system.parts_columns
        WHERE active AND table = 'span_texts' AND partition_id IN {ids:Array(String)}
          AND column IN {columns:Array(String)}
        """,
        ids=[part["id"] for part in parts], columns=list(columns),
    )  # fmt: skip
    assert left == {"n": 0}
    assert before == counted() and before
