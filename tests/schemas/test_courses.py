"""Means by block and segment are those of the traces one by one; sums of a large population too."""

from __future__ import annotations

import math
import time
import uuid
from functools import partial

import numpy as np
import pytest

from schemas.clickhouse import Store
from schemas.estimates.shares import Z
from schemas.models import ScoreRow, SpanRow
from schemas.queries import courses, labels, scores, spans
from ui import quality

START = time.time_ns() // (4 * 3600 * 10**9) * 4 * 3600 * 10**9 - 24 * 3600 * 10**9
HOUR = 3600 * 10**9


def _chance(value: float) -> float:
    return 0.5 if value < 0.5 else 1.0


@pytest.fixture(scope="module")
def drawn() -> list[tuple[float, int, str, str]]:
    """(value, hours after START, session, model) of 600 traces in about 260 sessions."""
    draw = np.random.default_rng(11)
    return [
        (float(draw.random()), int(draw.integers(0, 8)), f"s{draw.integers(300)}",
         str(draw.choice(["a", "b", ""])))
        for _ in range(600)
    ]  # fmt: skip


@pytest.fixture
def project(store: Store, drawn: list[tuple[float, int, str, str]]) -> str:
    name = f"course-{uuid.uuid4()}"
    spans.insert_spans(store, [
        SpanRow(name, f"{n + 1:032x}", f"{n + 1:016x}", START + hours * HOUR + n, model=model,
                session_id=session)
        for n, (_, hours, session, model) in enumerate(drawn)
    ], name)  # fmt: skip
    scores.insert_scores(store, [
        ScoreRow(name, "e", "1", f"{n + 1:032x}", f"{n + 1:016x}", START + hours * HOUR + n,
                 "scored", value, 1, session_id=session, probability=_chance(value))
        for n, (value, hours, session, _) in enumerate(drawn)
    ])  # fmt: skip
    return name


def _mean(rows: list[tuple[float, int, str, str]]) -> tuple[float, float, int, int]:
    """By hand: the mean over traces, half its interval over sessions, traces, sessions."""
    units: dict[str, list[tuple[float, float]]] = {}
    for value, _, session, _ in rows:
        weight = 1 / _chance(value)
        units.setdefault(session, []).append((weight, weight * value))
    w, v = np.array([np.sum(each, 0) for each in units.values()]).T
    mean, count = v.sum() / w.sum(), len(units)
    error = math.sqrt(((v - mean * w) ** 2).sum() * count / (count - 1)) / w.sum()
    return float(mean), Z * error, len(rows), count


def _same(
    block: courses.Block, rows: list[tuple[float, int, str, str]], rough: bool = False
) -> None:
    """`rough`: the units are groups of sessions, which meet in one now and then."""
    mean, half, n, units = _mean(rows)
    assert (block.mean, block.n, block.units) == (pytest.approx(mean), n, units)
    assert block.half == pytest.approx(half, rel=0.15 if rough else 1e-9)


def test_blocks_have_the_mean_over_traces_and_its_interval_by_session(
    store: Store, project: str, drawn: list[tuple[float, int, str, str]]
) -> None:
    span = (START, START + 8 * HOUR)
    (whole,) = courses.course(store, project, "e", "1", *span)
    _same(whole, drawn, rough=True)
    blocks = courses.course(store, project, "e", "1", *span, 4 * 3600)
    assert [block.start_ns for block in blocks] == [START, START + 4 * HOUR]
    for n, block in enumerate(blocks):
        _same(block, [row for row in drawn if row[1] // 4 == n], rough=True)
    by_model = courses.course(store, project, "e", "1", *span, column="model")
    assert [block.group for block in by_model] == ["", "a", "b"]
    for block in by_model:
        _same(block, [row for row in drawn if row[3] == block.group])
    inside, outside = courses.course(store, project, "e", "1", *span, segment={"model": "a"})
    assert (inside.group, outside.group) == ("in", "out")
    _same(inside, [row for row in drawn if row[3] == "a"])
    with pytest.raises(ValueError, match="attributes"):
        courses.course(store, project, "e", "1", *span, column="attributes")


def test_a_signal_of_traffic_has_the_mean_of_its_traces(store: Store) -> None:
    name = f"days-{uuid.uuid4()}"
    rows = [
        SpanRow(name, f"{n + 1:032x}", f"{n + 1:016x}", START + n * HOUR // 100, model="ab"[n % 2],
                status="ERROR" if n % 5 == 0 else "OK", session_id=f"s{n}")
        for n in range(100)
    ]  # fmt: skip
    spans.insert_spans(store, rows, name)
    (found,) = courses.traffic(store, name, "errors", START, START + HOUR, 4 * 3600)
    assert (found.mean, found.n, found.units) == (pytest.approx(0.2), 100, 100)
    spread = Z * np.std([0, 0, 0, 0, 1] * 20, ddof=1) / 10
    assert found.half == pytest.approx(spread, rel=0.15)  # some sessions share a group
    by = courses.traffic(store, name, "errors", START, START + HOUR, 4 * 3600, "model")
    assert [(b.group, b.n) for b in by] == [("a", 50), ("b", 50)]
    before, after = courses.traffic_values(
        store, name, "errors", START, START + HOUR, START + HOUR // 2
    )
    assert (sum(before), len(before), sum(after), len(after)) == (10, 50, 10, 50)
    with pytest.raises(ValueError, match="no signal"):
        courses.traffic(store, name, "errors", START, START + HOUR, 4 * 3600, "language")


def test_values_are_split_at_a_moment_within_a_segment(
    store: Store, project: str, drawn: list[tuple[float, int, str, str]]
) -> None:
    span, split = (START, START + 8 * HOUR), START + 4 * HOUR
    (n, before), (k, after) = courses.values(store, project, "e", "1", *span, split, {"model": "b"})
    mine = [row for row in drawn if row[3] == "b"]
    assert sorted(before) == sorted(row[0] for row in mine if row[1] < 4) and n == len(before)
    assert sorted(after) == sorted(row[0] for row in mine if row[1] >= 4) and k == len(after)


def test_a_population_as_sums_gives_what_its_items_give(store: Store, project: str) -> None:
    rows = labels.population(store, project, "e", "1")
    told = [
        {"trace_id": row["trace_id"], "span_id": "", "annotator": "ada",
         "value": float(row["value"] > 0.4), "chosen": "probability", "probability": 0.25}
        for row in rows[:200]
    ]  # fmt: skip
    some = {row["session_id"] for row in rows[:200]}
    whole = labels.whole(store, project, "e", "1")
    units = len({row["session_id"] for row in rows})
    assert whole is not None and (whole.items, whole.units) == (600, units)
    one = quality.beside_people(rows, told)
    other = quality.beside_people(
        [r for r in rows if r["session_id"] in some], told, whole,
        partial(labels.crossed, store, project, "e", "1"),
    )  # fmt: skip
    assert one.means[1].how == other.means[1].how == "t, by strata"
    for mine, theirs in zip(one.means, other.means, strict=True):
        assert mine.mean == pytest.approx(theirs.mean) and mine.n == theirs.n
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)
