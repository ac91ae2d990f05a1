"""Costs by model: sums of what has a price, and counts of what has none."""

from __future__ import annotations

import time
import uuid

import pytest

from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import costs, spans

NOW = time.time_ns() - 3600 * 10**9


def test_calls_without_a_price_are_counted_apart(store: Store) -> None:
    name, token = f"p-{uuid.uuid4()}", str(uuid.uuid4())
    other = f"p-{uuid.uuid4()}"
    calls = [("known", 0.5, "span"), ("known", 0.25, "genai-prices 1"), ("ours", 0.0, "unpriced")]
    rows = [
        SpanRow(name, f"{n:032x}", f"{n:016x}", NOW, model=model, cost_usd=cost, cost_source=source,
                input_tokens=100, output_tokens=10, cache_read_tokens=60, segment=token)
        for n, (model, cost, source) in enumerate(calls, 1)
    ]  # fmt: skip
    rows.append(SpanRow(name, "f" * 32, "f" * 16, NOW, name="no call", segment=token))
    rows.append(SpanRow(other, "e" * 32, "e" * 16, NOW, model="secret", cost_usd=9.0,
                        cost_source="span", segment=token))  # fmt: skip
    spans.insert_spans(store, rows, token)
    known, ours = costs.by_model(store, name, NOW - 1, NOW + 1)
    assert (known["model"], known["calls"], known["unpriced"]) == ("known", 2, 0)
    assert known["cost_usd"] == pytest.approx(0.75)
    assert known["sources"] == ["genai-prices 1", "span"]
    assert (known["input_tokens"], known["cache_read_tokens"]) == (200, 120)
    assert (ours["model"], ours["calls"], ours["unpriced"]) == ("ours", 1, 1)
    assert costs.by_model(store, name, NOW + 1, NOW + 2) == []
