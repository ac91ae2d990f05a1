"""Drawing items for people, and storing what they say: what the Review page does."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.clickhouse import Store
from schemas.models import LabelRow
from schemas.queries import labels, review
from schemas.review import (
    INFORMATIVE,
    ReviewBatchRow,
    ReviewItemRow,
    inclusion,
    rate_for,
    weights,
)

EVER = (0, 2**62)


def draw(
    store: Store, project: str, evaluator: str, version: str, span: tuple[int, int], *,
    mode: str, wanted: int, twice: float, author: str, centre: float = 0.5, width: float = 0.1,
) -> int:  # fmt: skip
    """Draw about `wanted` items of those that began in `span` (ns) and were not drawn yet; their
    number. `twice`: the share that two people label. What was drawn and labelled before gets the
    chance that it has by now."""
    rows = review.candidates(store, project, evaluator, version, *EVER)
    if not rows:
        return 0
    scores = np.array([row["value"] for row in rows], float)
    starts = np.array([row["start_ns"] for row in rows], np.int64)  # a float is 256 ns coarse
    scored = np.array([row["scored_ms"] for row in rows], float)
    fresh = np.array([not row["batch"] for row in rows])
    can = fresh & (starts >= span[0]) & (starts < span[1])
    if not can.any():
        return 0
    now = max(time.time_ns() // 10**6, int(scored.max()))
    weight = weights(mode, scores, centre, width)
    batch = ReviewBatchRow(
        project, evaluator, uuid.uuid4().hex[:12], version, mode, rate_for(weight[can], wanted),
        centre, width, *span, author, now,
    )  # fmt: skip
    random = np.random.default_rng()
    picked = can & (random.random(len(rows)) < np.minimum(1.0, batch.rate * weight))
    before = review.review_batches(store, project, evaluator)
    by_now = inclusion([*before, batch], version, scores, starts, scored)
    # The batch first: an item whose batch is unknown would have a chance that nobody can tell.
    review.insert_batches(store, [batch])
    items, changed = [], {}
    for n, row in enumerate(rows):
        key = (row["trace_id"], row["span_id"])
        if picked[n]:
            people = 2 if random.random() < twice else 1
            items.append(_item(project, evaluator, row, batch.batch, by_now[n], people,
                               float(random.random()), now))  # fmt: skip
        elif not fresh[n] and by_now[n] > 0:
            changed[key] = float(by_now[n])
            items.append(_item(project, evaluator, row, row["batch"], by_now[n], row["wanted"],
                               row["place"], now))  # fmt: skip
    review.insert_items(store, items)
    again = [
        LabelRow(**{**row, "probability": changed[row["trace_id"], row["span_id"]]})
        for row in review.drawn_labels(store, project, evaluator)
        if (row["trace_id"], row["span_id"]) in changed
    ]
    labels.insert_labels(store, again)
    return int(picked.sum())


def _item(
    project: str, evaluator: str, row: Mapping[str, Any], batch: str, chance: float, wanted: int,
    place: float, now: int,
) -> ReviewItemRow:  # fmt: skip
    return ReviewItemRow(
        project, evaluator, row["trace_id"], row["span_id"], row["session_id"], batch,
        float(chance), wanted, place, now,
    )  # fmt: skip


def waiting(rows: Sequence[Mapping[str, Any]], annotator: str) -> list[Mapping[str, Any]]:
    """What one annotator is still asked: not labelled by them, nor by as many as are wanted."""
    return [
        row
        for row in rows
        if annotator not in row["annotators"] and len(row["annotators"]) < row["wanted"]
    ]


def say(
    store: Store, project: str, evaluator: str, item: Mapping[str, Any], annotator: str,
    label: str, value: float, comment: str,
) -> None:  # fmt: skip
    """Store one label, with the chance that its item was drawn by."""
    row = LabelRow(
        project, evaluator, item["trace_id"], item["span_id"], annotator, value, label,
        "probability", item["probability"], comment, time.time_ns() // 10**6,
    )  # fmt: skip
    labels.insert_labels(store, [row])


def pairs(told: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, float]]:
    """(trace, one value, the other) of items that two or more people labelled. Which of two comes
    first is drawn by a hash, so that it says nothing about them."""
    by_item: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in told:
        by_item.setdefault((row["trace_id"], row["span_id"]), []).append(row)
    found = []
    for (trace, _), several in sorted(by_item.items()):
        if len(several) > 1:
            first, second = sorted(
                several[:2],
                key=lambda row: hashlib.sha256(f"{trace}{row['annotator']}".encode()).digest(),
            )
            found.append((trace, float(first["value"]), float(second["value"])))
    return found


__all__ = ["INFORMATIVE", "draw", "pairs", "say", "waiting"]
