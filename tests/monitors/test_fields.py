"""A renamed field is found as one, with the keys that came and went; a quiet one is not."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.normalise import rows
from monitors.fields import SECONDS, fall, field_findings, level_of
from schemas.clickhouse import Store
from schemas.queries import fields, spans
from schemas.registry import load
from tests.monitors.evidence import traces_in_alert

RULES = [made() for made in load("convention", "collector.conventions").values()]
HOUR = 3600 * 10**9


def test_a_fall_is_dated_and_has_a_p_value() -> None:
    found = fall([30] * 24, [30] * 20 + [0] * 4)
    assert found is not None
    assert (found.cut, found.before, found.after) == (20, 1.0, 0.0)
    assert found.p_value < 0.005


@pytest.mark.parametrize(
    ("should", "has"),
    [([30] * 24, [10] * 20 + [0] * 4),  # it was hardly used
     ([30] * 24, [30] * 20 + [20] * 4),  # most of it is left
     ([1] * 24, [1] * 20 + [0] * 4),  # too few spans came since
     ([30], [30]), ([], [])],
)  # fmt: skip
def test_what_is_no_missing_field_is_none(should: list[int], has: list[int]) -> None:
    assert fall(should, has) is None


def test_blocks_that_vary_seldom_fall_far() -> None:
    """The level holds where blocks are exchangeable: 300 services whose fields come and go."""
    random = np.random.default_rng(7)
    alarms = 0
    for _ in range(300):
        has = (30 * random.beta(1, 1, 24)).astype(int)
        found = fall([30] * 24, list(has))
        alarms += found is not None and found.p_value <= 0.05
    assert alarms / 300 <= 0.08


def test_an_hour_without_a_field_is_certain_at_the_level_of_one_look_in_a_month() -> None:
    level = level_of(0.5) / len(fields.FILLED)
    lost = [30] * 282 + [0] * 6
    found, sooner = fall([30] * 288, lost), fall([30] * 285, lost[:285])
    assert found is not None and found.p_value <= level
    assert sooner is not None and sooner.p_value > level, "half an hour may be chance"


def _request(project: str, start: int, old: bool) -> ExportTraceServiceRequest:
    """Ten calls of a model; the later SDK says `gen_ai.usage.in` where it said `input_tokens`."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = project
    scope = group.scope_spans.add()
    for number in range(10):
        span = scope.spans.add(
            trace_id=uuid.uuid4().bytes, span_id=uuid.uuid4().bytes[:8], name="chat",
            start_time_unix_nano=start + number, end_time_unix_nano=start + number + 10**6,
        )  # fmt: skip
        said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens" if old else "gen_ai.usage.in": 7}  # fmt: skip
        for key, value in said.items():
            kept = span.attributes.add(key=key).value
            if isinstance(value, int):
                kept.int_value = value
            else:
                kept.string_value = value
    return request


def _traffic(store: Store, project: str, renamed: bool) -> None:
    begin = (time.time_ns() // HOUR - 6) * HOUR
    for block in range(36):
        old = not renamed or block < 27
        request = _request(project, begin + block * SECONDS * 10**9, old)
        spans.insert_spans(store, rows(request, RULES, begin, "s"), f"fields/{project}/{block}")


def test_a_renamed_field_is_a_finding_with_both_names(store: Store, tmp_path: Path) -> None:
    project = f"renamed-{uuid.uuid4()}"
    _traffic(store, project, renamed=True)
    (found,) = field_findings(store, project, time.time_ns() - 8 * HOUR, time.time_ns(), 0.01)
    details = json.loads(found.details)
    assert (found.signal, found.status) == ("field_input_tokens", "confirmed")
    assert json.loads(found.segment) == {"service": project}
    assert found.mean_reference == 1.0 and found.mean_current == 0.0
    assert found.effect_low < -0.9 and found.effect_high <= -0.9
    assert details["appeared"] == [{"attribute": "gen_ai.usage.in"}]
    assert details["vanished"] == ["gen_ai.usage.input_tokens"]
    assert "gen_ai.usage.in;" in details["sentence"]
    assert traces_in_alert(found) == details["examples"]["after"][:3]
    assert len(details["examples"]["after"]) == 5


def test_fields_that_stay_are_no_finding(store: Store) -> None:
    project = f"stays-{uuid.uuid4()}"
    _traffic(store, project, renamed=False)
    assert field_findings(store, project, time.time_ns() - 8 * HOUR, time.time_ns(), 0.01) == []
