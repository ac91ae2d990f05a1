"""Documents and tool calls as rows, from what real SDKs sent."""

from __future__ import annotations

import json
import math
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from bench.sdks import planted as p
from bench.sdks.fields import rows
from schemas.clickhouse import Store
from schemas.queries import retrieval, spans

GOLDEN = Path(__file__).parents[1] / "golden" / "sdks"
DAY = 86_400 * 10**9


def stored(store: Store, name: str) -> tuple[str, int, int]:
    """A recording moved to now, sent twice; its project and time range."""
    project, now = f"p-{uuid.uuid4()}", time.time_ns()
    made = rows(json.loads((GOLDEN / f"{name}.json").read_text()))
    first = min(row.start_time for row in made)
    moved = [replace(r, project=project, start_time=now + r.start_time - first) for r in made]
    for token in ("one", "two"):
        spans.insert_spans(store, moved, f"{project}-{token}")
    return project, now - DAY, now + DAY


def test_documents_have_position_score_and_source(store: Store) -> None:
    found = retrieval.list_documents(store, *stored(store, "openinference_llama_index"))
    assert [(d["text"], d["position"], d["source"]) for d in found] == [(p.DOCUMENT, 1, p.SOURCE)]
    assert found[0]["score"] == 1.0
    project, start, end = stored(store, "langfuse")
    (document,) = retrieval.list_documents(store, project, start, end, source=p.SOURCE)
    assert math.isnan(document["score"])
    assert retrieval.list_documents(store, project, start, end, source="other") == []


@pytest.mark.parametrize(
    "name", ["vercel_ai", "pydantic_ai", "openai_agents", "openllmetry", "langfuse"]
)
def test_a_tool_call_has_its_result(store: Store, name: str) -> None:
    found = retrieval.list_tool_calls(store, *stored(store, name))
    assert {call["name"] for call in found} == {p.TOOL}
    assert all(p.ARGUMENT in call["arguments"] for call in found)
    assert any(p.RESULT in call["result"] for call in found)
    named = [(call["trace_id"], call["id"]) for call in found if call["id"]]
    assert len(named) == len(set(named))
