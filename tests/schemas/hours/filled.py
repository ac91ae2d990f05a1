"""A project with spans, verdicts and sums of closed hours, and what its answers are compared by."""

from __future__ import annotations

import math
import random
import time
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Any, Self

import pytest

from schemas.clickhouse import Store
from schemas.hours import keeping
from schemas.hours.keeping import Books
from schemas.models import ScoreRow, SpanRow
from schemas.queries import scores, spans


def judged(rows: list[SpanRow], seed: int = 6) -> list[ScoreRow]:
    """Of each root a verdict of `e`, a third of them by a better second look; of each span one of
    `spans`."""
    draw, made = random.Random(seed), []
    for row in rows:
        root = not row.parent_span_id
        for evaluator, level in (("e", "trace"), ("spans", "span")):
            if level == "span" or root:
                known = draw.random() < 0.8
                first = ScoreRow(
                    row.project, evaluator, "1", row.trace_id, row.span_id, row.start_time,
                    "scored" if known else draw.choice(["unscored", "error"]),
                    draw.random() if known else math.nan, row.start_time // 10**6 + 1000, level,
                    row.session_id, "" if known else draw.choice(["timeout: 3 s", "no answer"]),
                    probability=draw.choice([1.0, 0.25]), rule="r",
                )  # fmt: skip
                made.append(first)
                if draw.random() < 0.3:
                    made.append(replace(first, status="scored", value=draw.random(), reason="",
                                        scored_at=first.scored_at + 5000))  # fmt: skip
    return made


@dataclass
class Filled:
    """What was stored, and what is known of its sums."""

    store: Store
    name: str
    rows: list[SpanRow]
    scores: list[ScoreRow]
    books: Books

    @classmethod
    def of(cls, store: Store, rows: list[SpanRow]) -> Self:
        """Store spans of one project and verdicts about them; nothing is summed yet."""
        name, told = rows[0].project, judged(rows)
        spans.insert_spans(store, rows, name)
        scores.insert_scores(store, told)
        return cls(store, name, rows, told, Books())

    def keep(self) -> None:
        """Make what is due, once all that was stored is older than now by ClickHouse's clock, which
        tells milliseconds."""
        at = keeping.clock(self.store)
        while keeping.clock(self.store) <= at + 1:
            time.sleep(0.001)
        while keeping.keep(self.store, self.name, self.books, most=50, quiet=0):
            pass


def plain(found: Any) -> Any:
    """Numbers and texts of an answer, in an order of their own."""
    if is_dataclass(found) and not isinstance(found, type):
        found = {k: v for k, v in asdict(found).items() if k != "hours"}
        if "bins" in found:
            found["bins"] = dict(zip(found.pop("bins"), found.pop("counts"), strict=True))
    if isinstance(found, dict):
        return {k: plain(v) for k, v in found.items()}
    if isinstance(found, list | tuple):
        return [plain(each) for each in found]
    return None if isinstance(found, float) and math.isnan(found) else found


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-12)
    return bool(one == other)
