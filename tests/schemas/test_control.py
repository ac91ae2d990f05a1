"""Control documents: checked, versioned, owned, and in force for who reads them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import pytest

from schemas import control
from schemas.clickhouse import Store
from schemas.control import AlertPolicy, ControlError, EvaluatorPolicy, MonitorPolicy
from schemas.models import ControlRow
from schemas.queries import control as queries

FILE = """
evaluators:
  llm_judge: {sample: 0.1}
  refusal: {enabled: false}
monitors: {alpha: 0.02}
alerts:
  on-call: {sink: webhook, signals: [groundedness]}
"""


@pytest.fixture(autouse=True)
def clean(store: Store) -> Iterator[None]:
    """Control state is the store's, not a project's: leave none behind."""
    yield
    control.apply(store, {}, "test")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("evaluators: {a: {sample: 3}}", "evaluators.a.sample: 3 must be a number from 0 to 1"),
        ("evaluators: {a: {smple: 1}}", "evaluators.a.smple is not known; there are: enabled"),
        ("evaluators: {a: {enabled: 'no'}}", "must be true or false"),
        ("evaluators: [a]", "must map names to settings"),
        ("monitors: {alpha: 0}", "from 0.0001 to 0.2"),
        ("alerts: {a: {signals: groundedness}}", "must be a list of names"),
        ("evaluator: {}", "there are: evaluators, judges, rubrics, monitors"),
        ("redaction: {a: {rules: [emails]}}", "'emails' is not known; there are"),
        ("redaction: {a: {mode: mask}}", "must be one of marker, hash"),
        ("redaction: {a: {patterns: {X: '('}}}", "patterns.X: .* no regular expression"),
        ("redaction: {a: {patterns: {X: '(a+)+b'}}}", "repeats a repetition or a choice"),
        ("redaction: {a: {patterns: {X: '(a|a)*b'}}}", "repeats a repetition or a choice"),
        ("redaction: {a: {patterns: {X: 'a*'}}}", "matches nothing at all"),
        ("redaction: {a: {patterns: {low: a}}}", "a name is made of capitals"),
        ("- a", "must be a mapping"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_bad_file_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ControlError, match=said):
        control.parse(text)


def test_a_file_is_in_force_once_applied_and_its_changes_are_versions(store: Store) -> None:
    documents = control.parse(FILE)
    assert len(control.apply(store, documents, "ann", dry_run=True)) == 4
    assert control.read(store).monitor == MonitorPolicy()
    assert len(control.apply(store, documents, "ann")) == 4
    assert control.apply(store, documents, "ann") == []
    found = control.read(store)
    assert found.evaluators["llm_judge"] == EvaluatorPolicy(True, 0.1)
    assert found.evaluators["refusal"] == EvaluatorPolicy(False)
    assert found.monitor == MonitorPolicy(0.02, 0.05)
    assert found.alerts == {"on-call": AlertPolicy("webhook", ("groundedness",))}
    control.apply(store, control.parse("monitors: {alpha: 0.05}"), "bob")
    assert control.read(store).evaluators == {}
    mine = [r for r in queries.history(store) if r["kind"] == "monitor"][:2]
    assert [(r["author"], r["version"] - mine[1]["version"]) for r in mine] == [
        ("bob", 1),
        ("ann", 0),
    ]


def test_what_another_owner_has_the_file_leaves_alone(store: Store) -> None:
    row = ControlRow("alert", "theirs", 1, "ui", "eve", "{}", 0, time.time_ns() // 10**6)
    queries.append(store, row)
    control.apply(store, {}, "ann")
    assert "theirs" in control.read(store).alerts
    with pytest.raises(ControlError, match="belongs to another owner"):
        control.apply(store, control.parse("alerts: {theirs: {sink: log}}"), "ann")
    queries.append(store, dataclasses.replace(row, version=2, deleted=1))


def test_of_two_writers_of_one_version_the_first_wins(store: Store) -> None:
    first = ControlRow("alert", "race", 1, "file", "a", '{"sink": "log"}', 0, 1)
    queries.append(store, first)
    queries.append(store, dataclasses.replace(first, author="b", document='{"sink": "webhook"}'))
    assert [r["author"] for r in queries.history(store) if r["name"] == "race"] == ["a"]


def test_the_file_leaves_documents_of_a_kind_that_is_not_its_own(store: Store) -> None:
    row = ControlRow("key", "mobile", 1, "key", "somebody", "{}", 0, 1)
    queries.append(store, row)
    changes = control.apply(store, {}, "file", dry_run=True)
    assert ("key", "mobile") not in [change.key for change in changes]
    assert [r["deleted"] for r in queries.latest(store) if r["kind"] == "key"] == [0]
