"""OpenInference's annotation and evaluation attributes become scores with their source."""

from __future__ import annotations

import json
import math
import time
import uuid
from typing import Any

import pytest

from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import scores, spans

TRACE, SPAN, OTHER = "a" * 32, "b" * 16, "c" * 32


@pytest.fixture
def project() -> str:
    return f"p-{uuid.uuid4()}"


def put(store: Store, project: str, attributes: dict[str, str], **more: Any) -> None:
    row = SpanRow(project, TRACE, SPAN, time.time_ns(), name="s", service="app",
                  attributes=attributes, **more)  # fmt: skip
    spans.insert_spans(store, [row], str(uuid.uuid4()))


def test_an_annotation_of_a_person_is_a_score_of_its_span(store: Store, project: str) -> None:
    put(store, project, {
        "annotations.0.annotation.name": "helpful", "annotations.0.annotation.score": "0.25",
        "annotations.0.annotation.annotator_kind": "HUMAN",
        "annotations.0.annotation.explanation": "too long",
        "trace.annotations.0.annotation.name": "overall",
        "trace.annotations.0.annotation.label": "good", "input.value": "q",
    })  # fmt: skip
    found = {row["evaluator"]: row for row in scores.trace_scores(store, project, TRACE)}
    assert set(found) == {"helpful", "overall"}
    mine = found["helpful"]
    assert (mine["value"], mine["explanation"], mine["source"]) == (0.25, "too long", "human")
    assert (mine["level"], mine["span_id"]) == ("span", SPAN)
    whole = found["overall"]
    assert (whole["level"], whole["span_id"], whole["value"]) == ("trace", "", 1.0)
    assert whole["source"] == "openinference"


def test_a_carrier_span_scores_what_it_links_to(store: Store, project: str) -> None:
    link = json.dumps([{"trace_id": OTHER, "span_id": "d" * 16}])
    put(store, project, {
        "evaluations.3.evaluation.name": "relevance", "evaluations.3.evaluation.label": "maybe",
        "evaluations.3.evaluation.annotator_kind": "LLM",
    }, kind="EVALUATOR", links=link)  # fmt: skip
    (row,) = scores.trace_scores(store, project, OTHER)
    assert (row["span_id"], row["status"], row["reason"]) == ("d" * 16, "unscored", "label: maybe")
    assert math.isnan(row["value"]) and row["source"] == "llm"
    assert scores.trace_scores(store, project, TRACE) == []


def test_other_attributes_make_no_scores(store: Store, project: str) -> None:
    put(store, project, {"annotations.x.annotation.name": "n", "my.annotations.0.name": "n"})
    assert scores.trace_scores(store, project, TRACE) == []
