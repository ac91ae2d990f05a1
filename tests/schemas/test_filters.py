"""Searches are read as words and conditions, written back, and asked of ClickHouse in pages."""

from __future__ import annotations

import math
import time
import uuid

import pytest

from schemas.clickhouse import Store
from schemas.filters import Condition, Query, parse
from schemas.models import ScoreRow, SpanRow
from schemas.queries import latency, scores, spans, traces

NOW = time.time_ns() - 3600 * 10**9


def test_words_and_conditions_are_told_apart() -> None:
    found = parse("""refund "late parcel" status!=OK duration_ms>=20 http.route='/a b'""")
    assert found.words == "refund late parcel"
    assert [(c.field, c.operator, c.value) for c in found.conditions] == [
        ("status", "!=", "OK"), ("duration_ms", ">=", "20"), ("http.route", "=", "/a b"),
    ]  # fmt: skip


@pytest.mark.parametrize("said", ["it's", "cost_usd=dear", "model>gpt", "score.x<nan", "k>word"])
def test_what_cannot_be_read_is_said(said: str) -> None:
    with pytest.raises(ValueError, match=r"quote|number|text"):
        parse(said)


@pytest.mark.parametrize("value", ["a b", "it's", '"', "back\\slash", "", "x=y", "$(rm)"])
def test_a_query_that_is_written_is_read_the_same(value: str) -> None:
    query = Query("some words", (Condition("k", "=", value), Condition("model", "!=", "m")))
    assert parse(str(query)) == query


@pytest.fixture
def many(store: Store) -> str:
    """Twenty traces a second apart, of two spans, the odd ones with errors; one runs through."""
    name = f"filters-{uuid.uuid4()}"
    rows = []
    for n in range(20):
        given = {"start_time": NOW + n * 10**9, "trace_id": f"{n:032x}", "duration_ns": n * 10**7}
        rows.append(SpanRow(name, span_id=f"{n:016x}", name=f"ask {n}", input=f"word{n % 4} all",
                            status="ERROR" if n % 2 else "OK", attributes={"tries": str(n)},
                            **given))  # type: ignore[arg-type]  # fmt: skip
        rows.append(SpanRow(name, span_id=f"{n + 100:016x}", model=f"m{n % 3}",
                            parent_span_id=f"{n:016x}", **given))  # type: ignore[arg-type]  # fmt: skip
    rows.append(SpanRow(name, f"{3:032x}", "f" * 16, NOW + 18 * 10**9 + 5, name="late"))
    spans.insert_spans(store, rows, name)
    scores.insert_scores(store, [
        ScoreRow(name, "ok", "1", f"{n:032x}", "s", NOW, "scored", n / 20, 1) for n in range(20)
    ])  # fmt: skip
    return name


def _found(store: Store, project: str, said: str) -> set[int]:
    query = parse(said)
    rows = traces.list_traces(store, project, 0, 2**62, search=query.words,
                              conditions=query.conditions)  # fmt: skip
    return {int(row["trace_id"], 16) for row in rows}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("status=ERROR model=m0", {3, 9, 15}),
        ("status!=ERROR model!=m0", {2, 4, 8, 10, 14, 16}),
        ("duration_ms>=180", {18, 19}),
        ("tries<2", {0, 1}),
        ("tries=7", {7}),
        ("score.ok>0.9", {19}),
        ("word1 status=ERROR score.ok<=0.3", {1, 5}),
        ("absent=1", set()),
    ],
)
def test_conditions_choose_traces(store: Store, many: str, said: str, wanted: set[int]) -> None:
    assert _found(store, many, said) == wanted


@pytest.mark.parametrize("said", ["", "status=ERROR", "all", "status!=OK"])
def test_pages_hold_every_trace_once(store: Store, many: str, said: str) -> None:
    query, seen, after = parse(said), [], None
    for _ in range(20):
        rows = traces.list_traces(store, many, 0, 2**62, 3, query.words,
                                  conditions=query.conditions, after=after)  # fmt: skip
        if not rows:
            break
        seen += [row["trace_id"] for row in rows]
        after = min((int(row["at"]), str(row["trace_id"])) for row in rows)
    assert len(seen) == len(set(seen)) == len(_found(store, many, said))


def test_latency_counts_each_root_once(store: Store, many: str) -> None:
    window = (NOW, NOW + 60 * 10**9)
    found = latency.latency(store, many, *window)
    assert (found.figures["traces"], found.figures["failed"]) == (21, 10)
    assert sum(cell["traces"] for cell in found.cells) == 21
    cells = latency.latency(store, many, *window, conditions=parse("status=ERROR").conditions).cells
    assert sum(cell["traces"] for cell in cells) == 11
    assert all(cell["low_ms"] < cell["high_ms"] for cell in cells)


def test_latency_is_of_the_traces_that_are_listed(store: Store, many: str) -> None:
    window = (NOW, NOW + 60 * 10**9)
    for said in ("score.ok>0.9", "word1 status=ERROR score.ok<=0.3", "word1 score.ok<=0.3"):
        query, listed = parse(said), _found(store, many, said)
        found = latency.latency(store, many, *window, query.words, query.conditions)
        assert found.figures["traces"] == sum(cell["traces"] for cell in found.cells)
        assert found.figures["traces"] == len(listed) > 0
        slow = [row["duration_ms"] for row in traces.list_traces(
            store, many, *window, search=query.words, conditions=query.conditions)]  # fmt: skip
        assert min(slow) <= found.figures["p50"] <= found.figures["p99"] <= max(slow)


def test_latency_of_nothing_is_no_number(store: Store, many: str) -> None:
    found = latency.latency(store, many, 0, 1)
    assert (found.figures["traces"], found.figures["failed"], found.cells) == (0, 0, [])
    assert math.isnan(found.figures["p50"]) and math.isnan(found.figures["first_p95"])
