"""Presidio finds what patterns of ours do not, within the same rules; what is missing refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.redact.policies import Policies
from collector.redact.presidio import LONGEST, Find, MissingError, finder
from collector.redact.rules import rules
from collector.redact.text import Redactor
from schemas import control
from schemas.control import ControlError
from schemas.errors import Retryable
from schemas.redaction import RedactionPolicy

SSN = "My number is 536-90-4399."


@pytest.fixture(scope="module")
def find() -> Find:
    return finder({})


def test_numbers_of_many_countries_are_found_without_a_model(find: Find) -> None:
    assert find(SSN) == [(13, 24, "US_SSN")]
    assert find("NHS 943 476 5919")[0][2] == "UK_NHS"
    assert find("It costs 12 dollars since 2024-01-05, see https://a.example/b") == []


def test_an_entity_at_the_border_of_two_pieces_is_found(find: Find) -> None:
    for shift in (0, 5, 11):
        text = "a " * (LONGEST // 2 - shift) + SSN
        found = find(text)
        assert [text[a:b] for a, b, _ in found] == ["536-90-4399"]


def test_it_looks_at_what_the_rules_left(find: Find) -> None:
    use = Redactor([rules()["email"]], find=find)
    assert use.text(f"ada@example.com {SSN}") == "[EMAIL] My number is [US_SSN]."
    assert use.counts == {"email": 1, "presidio": 1}
    assert use.text('{"a": {"b": "My number is 536-90-4399."}}') == (
        '{"a": {"b": "My number is [US_SSN]."}}'
    )
    assert use.text("[US_SSN]") == "[US_SSN]"


def test_a_hash_keeps_equal_values_equal(find: Find) -> None:
    use = Redactor([], salt=b"s", find=find)
    assert use.text(SSN) == use.text(SSN) != SSN
    assert use.text(SSN).startswith("My number is [US_SSN:")


def test_entities_and_score_are_chosen() -> None:
    assert finder({"entities": ["PHONE_NUMBER"], "score": 0.3})(SSN) == []
    assert finder({"score": 0.9})(SSN) == []


def test_a_model_that_is_not_there_refuses_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no_such_model"):
        finder({"model": "no_such_model"})
    policy = RedactionPolicy(presidio={"model": "no_such_model"})
    policies = Policies(tmp_path, lambda: {"default": policy})
    policies.refresh()
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name=SSN)
    with pytest.raises(Retryable, match="no_such_model"):
        policies.apply(request)


def test_a_policy_with_presidio_redacts_a_request(tmp_path: Path) -> None:
    given = control.policy("redaction", {"rules": [], "presidio": {}}, "test")
    assert isinstance(given, RedactionPolicy) and given.presidio == {"model": "", "score": 0.5}
    policies = Policies(tmp_path, lambda: {"default": given})
    policies.refresh()
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="n")
    span.attributes.add(key="input.value").value.string_value = SSN
    assert policies.apply(request)
    assert span.attributes[0].value.string_value == "My number is [US_SSN]."


@pytest.mark.parametrize(
    ("given", "reason"),
    [([], "must map"), ({"modell": "x"}, "is not known"), ({"score": 2}, "from 0 to 1"),
     ({"score": True}, "is not what it takes"), ({"entities": ["person"]}, "as Presidio writes")],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_its_place(given: object, reason: str) -> None:
    with pytest.raises(ControlError, match=reason):
        control.policy("redaction", {"presidio": given}, "assay.yaml: redaction.default")
