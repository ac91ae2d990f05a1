"""Means of blocks count sessions by the inverse of the chance that they were judged."""

from __future__ import annotations

import uuid

import pytest

from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import scores, spans, streams

DAY_NS = 86_400 * 10**9
START = 20_700 * DAY_NS
Judged = tuple[str, str, float, float | None]  # session, model, chance, value (None: not drawn)


def mean(store: Store, judged: list[Judged], column: str = "", value: str = "") -> dict[str, float]:
    """The day's `mean` and `sessions` of a segment."""
    project, rows, given = f"weights-{uuid.uuid4().hex[:8]}", list[SpanRow](), list[ScoreRow]()
    for n, (session, model, chance, score) in enumerate(judged):
        trace, at = f"{n + 1:032x}", START + n * 10**9
        rows.append(SpanRow(project, trace, trace[16:], at, session_id=session, model=model,
                            kind="LLM", retention_days=0))  # fmt: skip
        status, reason = ("scored", "") if score is not None else ("unscored", "not sampled")
        given.append(ScoreRow(project, "quality", "1", trace, trace[16:], at, status,
                              float("nan") if score is None else score, 1, session_id=session,
                              reason=reason, probability=chance, retention_days=0))  # fmt: skip
    spans.insert_spans(store, rows, project)
    scores.insert_scores(store, given)
    found = streams.scored(store, project, "quality", "1", START, START + DAY_NS)
    return next(r for r in found if (r["column"], r["value"]) == (column, value))


def test_traces_that_are_drawn_seldom_count_for_those_that_were_not(store: Store) -> None:
    seldom: list[Judged] = [("", "b", 0.1, 0.3), *([("", "b", 0.1, None)] * 9)]
    judged: list[Judged] = [*([("", "a", 1.0, 0.9)] * 10), *seldom]
    whole = mean(store, judged)
    assert whole["mean"] == pytest.approx((10 * 0.9 + 10 * 0.3) / 20)
    assert whole["sessions"] == whole["n_mean"] == 11, "what was not drawn is no session here"
    assert mean(store, judged, "model", "b")["mean"] == pytest.approx(0.3)


def test_a_session_counts_by_the_chance_that_any_of_its_traces_is_drawn(store: Store) -> None:
    judged: list[Judged] = [("s", "a", 0.5, 0.2), ("s", "a", 0.5, None), ("t", "a", 0.5, 0.8),
                            ("", "a", 1.0, 0.5)]  # fmt: skip
    of_two, of_one = 1 / (1 - 0.5 * 0.5), 1 / 0.5
    wanted = (of_two * 0.2 + of_one * 0.8 + 0.5) / (of_two + of_one + 1)
    assert mean(store, judged)["mean"] == pytest.approx(wanted)


def test_without_a_draw_every_session_counts_once(store: Store) -> None:
    judged: list[Judged] = [("s", "a", 1.0, 0.2), ("s", "a", 1.0, 0.4), ("", "a", 0.0, 0.9)]
    assert mean(store, judged)["mean"] == pytest.approx((0.3 + 0.9) / 2)
