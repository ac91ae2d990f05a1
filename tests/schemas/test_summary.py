"""One honest number from rows written through the real store."""

from __future__ import annotations

import math
import time
import uuid

import pytest

from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import scores, spans, summary
from schemas.queries.summary import ScoreSummary, summarise

HOUR = 3600 * 10**9


@pytest.fixture
def project(store: Store) -> str:
    return f"sum-{uuid.uuid4().hex[:8]}"


def plant(store: Store, name: str, count: int, kept: float = 1.0) -> int:
    """Traces in sessions of two; half by model a, half by b; the window's start in ns."""
    start = time.time_ns() - HOUR
    rows = [
        SpanRow(name, f"{name}-{i}", "r", start + i, session_id=f"s{i // 2}", kind="LLM",
                model="a" if i % 2 else "b", sampling_probability=kept)
        for i in range(count)
    ]  # fmt: skip
    spans.insert_spans(store, rows, uuid.uuid4().hex)
    return start


def row(name: str, i: int, at: int, status: str = "scored", value: float = 1.0,
        reason: str = "", **more: object) -> ScoreRow:  # fmt: skip
    known = status == "scored"
    return ScoreRow(name, "kind", "v1", f"{name}-{i}", "r", at + i, status,
                    value if known else math.nan, int(time.time() * 1000), reason=reason,
                    session_id=f"s{i // 2}", **more)  # type: ignore[arg-type]  # fmt: skip


def whole(store: Store, name: str, start: int, **segment: str) -> ScoreSummary:
    return summarise(store, name, "kind", "v1", start, start + HOUR, segment)


def test_a_mean_has_its_company(store: Store, project: str) -> None:
    start = plant(store, project, 200)
    rows = [row(project, i, start, value=float(i % 4 > 0)) for i in range(100)]
    rows += [row(project, i, start, "unscored", reason="not sampled") for i in range(100, 150)]
    rows += [row(project, i, start, "unscored", reason="no answer") for i in range(150, 160)]
    rows += [row(project, 160 + i, start, "error", reason=f"timeout: {i} s") for i in range(20)]
    scores.insert_scores(store, rows)
    found = whole(store, project, start)
    assert found.mean == pytest.approx(0.75)
    assert found.low < 0.75 < found.high and found.sessions == 50
    assert (found.scored, found.unscored, found.errors, found.not_sampled) == (100, 10, 20, 50)
    assert (found.seen, found.traffic, found.level) == (180, 200, "trace")
    assert found.reasons == (
        ("unscored", "not sampled", 50), ("error", "timeout", 20), ("unscored", "no answer", 10),
    )  # fmt: skip
    assert found.worst_low is not None and found.worst_high is not None
    assert found.worst_low < found.low and found.worst_high > found.high
    assert found.stands_for == pytest.approx(0.5)
    assert "100 of 200 traces scored, 50 not sampled" in found.sentence()


def test_weights_are_inverse_probabilities_and_clients_sampling_is_in_them(
    store: Store, project: str
) -> None:
    start = plant(store, project, 100, kept=0.5)
    rows = [row(project, i, start, value=1.0, probability=0.5) for i in range(50)]
    rows += [row(project, i, start, value=0.0, probability=0.05) for i in range(50, 55)]
    scores.insert_scores(store, rows)
    found = whole(store, project, start)
    assert found.mean == pytest.approx(0.5)
    assert found.lowest_probability == pytest.approx(0.05)
    assert found.stands_for == pytest.approx(1.0)


def test_a_segment_is_told_by_any_span_of_a_trace(store: Store, project: str) -> None:
    start = plant(store, project, 40)
    scores.insert_scores(store, [row(project, i, start, value=i % 2) for i in range(40)])
    found = whole(store, project, start, model="a")
    assert (found.mean, found.scored, found.traffic) == (1.0, 20, 20)
    assert found.population == f"traces of {project}, model=a"
    with pytest.raises(ValueError, match="segmented by trace_id"):
        whole(store, project, start, trace_id="x")


def test_a_second_row_of_a_trace_replaces_the_first(store: Store, project: str) -> None:
    """Its root came late, so that the new row stands under another span."""
    start = plant(store, project, 2)
    first = row(project, 0, start, value=0.0)
    later = ScoreRow(project, "kind", "v1", f"{project}-0", "late", start, "scored", 1.0,
                     first.scored_at + 1, session_id="s0")  # fmt: skip
    scores.insert_scores(store, [first, later])
    found = whole(store, project, start)
    assert (found.mean, found.scored) == (1.0, 1)


def test_sessions_and_spans_are_counted_as_such(store: Store, project: str) -> None:
    start = plant(store, project, 40)
    scores.insert_scores(store, [row(project, 2 * i, start, level="session") for i in range(15)])
    found = whole(store, project, start)
    assert (found.level, found.scored, found.traffic) == ("session", 15, 20)
    assert found.population == f"sessions of {project}"


def test_nothing_is_no_mean(store: Store, project: str) -> None:
    start = plant(store, project, 3)
    found = whole(store, project, start)
    assert math.isnan(found.mean) and math.isnan(found.stands_for)
    assert found.sentence() == "no mean; 0 of 3 traces scored"


def test_a_mean_read_as_sums_is_the_mean_of_its_sessions(
    store: Store, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = plant(store, project, 600)
    scores.insert_scores(store, [
        row(project, i, start, value=(i * 7919 % 101) / 100, probability=0.5 + 0.5 * (i % 2))
        for i in range(600)
    ])  # fmt: skip
    one = whole(store, project, start)
    monkeypatch.setattr(summary, "MANY", 100)
    other = whole(store, project, start)
    for name in ("mean", "effective", "stands_for", "lowest_probability"):
        assert getattr(other, name) == pytest.approx(getattr(one, name))
    assert (other.scored, other.sessions, other.method) == (600, 300, "t") and one.method == "t"
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=5e-4)
