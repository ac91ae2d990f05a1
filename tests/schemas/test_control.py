"""Control documents: checked, versioned, owned, and in force for who reads them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import pytest

from schemas import control
from schemas.alerting import AlertPolicy
from schemas.clickhouse import Store
from schemas.control import ControlError, EvaluatorPolicy, MonitorPolicy
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
        ("alerts: {a: {url: 'ftp://x'}}", "must be an address with http"),
        ("alerts: {a: {url: 'https://u:pw@x/'}}", "a password does not belong here"),
        ("alerts: {a: {secret_env: whsec_c2VjcmV0/}}", "the name of an environment variable"),
        ("alerts: {a: {severity: high}}", "must be one of info, warning, error, critical"),
        ("alerts: {a: {quiet: '9-5'}}", "must be hours like 22:00-07:00"),
        ("alerts: {a: {timezone: Mars}}", "is not a known time zone"),
        ("alerts: {a: {owner: 3}}", "must be a text of one line"),
        ("silences: {a: {}}", "silences.a.until: '' must be a time like"),
        ("rules: {a: {metric: speed, above: 1}}", "'speed' is not known; there are: traces"),
        ("rules: {a: {metric: cost}}", "must have a metric and one of above, below, rise"),
        ("rules: {a: {metric: cost, above: 1, below: 2}}", "a metric and one of"),
        ("rules: {a: {metric: cost, above: .nan}}", "above: nan must be a number"),
        ("rules: {a: {metric: cost, above: 1, window: 8d}}", "must be at most 7d"),
        ("rules: {a: {metric: cost, above: 1, hold: soon}}", "must be a length like 30s"),
        ("rules: {a: {metric: cost, burn: {1h: 14}}}", "needs one of error_rate"),
        ("rules: {a: {metric: spool_used, rise: 1}}", "rise: spool_used has no history"),
        ("rules: {a: {metric: spool_used, above: 1, projects: [p]}}", "for all projects at once"),
        ("rules: {a: {metric: spool_segments, above: 1, window: 1h}}", "is what it is now"),
        ("rules: {a: {metric: error_rate, burn: 3}}", "must map windows to factors"),
        ("rules: {a: {metric: cost, above: 1, severity: high}}", "must be one of info"),
        ("evaluator: {}", "there are: evaluators"),
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
    row = ControlRow("view", "mobile", 1, "view", "somebody", "{}", 0, 1)
    queries.append(store, row)
    changes = control.apply(store, {}, "file", dry_run=True)
    assert ("view", "mobile") not in [change.key for change in changes]
    assert [r["deleted"] for r in queries.latest(store) if r["name"] == "mobile"] == [0]
