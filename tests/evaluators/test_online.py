"""Rules, levels and weights of online scoring, against a real store."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from evaluators import retry
from evaluators.base import Result, failed, sampled, scored
from evaluators.plan import assignments, whole
from evaluators.worker import Desk, run_batch
from schemas.clickhouse import Store
from schemas.control import Control, parse, state
from schemas.models import Sample, SpanRow
from schemas.queries import scores, spans
from schemas.queries.summary import summarise
from schemas.queries.work import Split


class Length:
    """Scores any sample by nothing, and remembers what it saw."""

    name = "length"
    version = "v1"
    level = "trace"
    needs: tuple[str, ...] = ()
    model = ""
    probability = 1.0

    def __init__(self, needs: tuple[str, ...] = ()) -> None:
        self.needs = needs
        self.seen: list[Sample] = []

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        self.seen += samples
        return [scored(1.0) for _ in samples]


@pytest.fixture
def project(store: Store) -> str:
    """Six traces in two sessions: root, retriever, call of a model, tool; even ones of service a,
    model m1, and kept by half by the client."""
    name, now = f"on-{uuid.uuid4().hex[:8]}", time.time_ns() - 60 * 10**9
    rows = []
    for i in range(6):
        shared: dict[str, Any] = {
            "service": "b" if i % 2 else "a", "environment": "prod",
            "session_id": f"{name}-s{i // 3}", "sampling_probability": 1.0 if i % 2 else 0.5,
            "attributes": {"tenant": "acme" if i < 2 else "other"},
        }  # fmt: skip
        trace, at = f"{name}-{i}", now + i * 10**9
        kinds = (
            ("r", "", "CHAIN", f"question {i}", f"answer {i}"), ("d", "r", "RETRIEVER", "q", ""),
            ("m", "r", "LLM", "prompt", "reply"), ("t", "r", "TOOL", '{"x": 1}', "done"),
        )  # fmt: skip
        for n, (span, parent, kind, asked, said) in enumerate(kinds):
            rows.append(
                SpanRow(name, trace, span, at + n, parent_span_id=parent, kind=kind, input=asked,
                        output=said, name=kind.lower(), model=f"m{i % 2 + 1}" * (kind == "LLM"),
                        documents=["a fact"] * (kind == "RETRIEVER"),
                        status="ERROR" if kind == "TOOL" and i == 0 else "OK", **shared)
            )  # fmt: skip
    spans.insert_spans(store, rows, uuid.uuid4().hex)
    time.sleep(0.02)
    return name


def rules(text: str) -> Control:
    return state(parse(text))


def work(store: Store, project: str, made: Length, text: str, desk: Desk | None = None) -> int:
    found = assignments([made], rules(text), project, 0)
    return sum(run_batch(store, project, each, desk or Desk()) for each in found)


def rows(store: Store, project: str) -> list[dict[str, Any]]:
    return store.rows(
        "SELECT * FROM scores FINAL WHERE project = {p:String} ORDER BY trace_id, span_id, level",
        p=project,
    )


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("service: a", 3), ("model: [m2]", 3), ("{service: a, model: m2}", 0),
        ("attributes: {tenant: acme}", 2), ("environment: [prod, dev]", 6),
        ("project: elsewhere", 0), ("sample: 0", 6), ("enabled: false", 6),
    ],
)  # fmt: skip
def test_a_rule_scores_what_its_filters_take_and_nothing_else(
    store: Store, project: str, rule: str, count: int
) -> None:
    body = rule[1:-1] if rule.startswith("{") else rule
    text = f"evaluation: {{mine: {{evaluators: [length], {body}}}}}"
    assert work(store, project, Length(), text) == count
    assert work(store, project, Length(), text) == 0
    found = rows(store, project)
    assert len(found) == count
    if "sample: 0" in rule:
        assert {row["reason"] for row in found} == {"not sampled"}
    elif "enabled" not in rule:
        assert {row["rule"] for row in found} <= {"mine"}


def test_of_two_rules_the_more_generous_counts_and_is_named(store: Store, project: str) -> None:
    text = """
evaluation:
  few: {evaluators: [length], sample: 0}
  all of a: {evaluators: [length], service: a}
"""
    assert work(store, project, Length(), text) == 6
    found = {row["trace_id"][-1]: row for row in rows(store, project)}
    assert [found[n]["rule"] for n in "012345"] == ["all of a", "few"] * 3
    assert [found[n]["status"] for n in "01"] == ["scored", "unscored"]


def test_a_clients_own_sampling_multiplies_the_weight(store: Store, project: str) -> None:
    text = "evaluation: {half: {evaluators: [length], sample: 0.999}}"
    work(store, project, Length(), text)
    stored = {row["trace_id"][-1]: row["probability"] for row in rows(store, project)}
    assert stored["0"] == pytest.approx(0.4995) and stored["1"] == pytest.approx(0.999)


def test_a_budget_ends_a_day_and_says_so(store: Store, project: str) -> None:
    name = uuid.uuid4().hex
    text = f"evaluation: {{{name}: {{evaluators: [length], budget: 4}}}}"
    made = Length()
    assert work(store, project, made, text) == 6
    assert len(made.seen) == 4
    again = Length()  # a worker that starts anew reads what was spent from the store
    again.version = "v2"
    work(store, project, again, text)
    assert again.seen == []
    assert [row["reason"] for row in rows(store, project)].count("budget") == 8


def test_spans_are_scored_one_by_one_by_what_an_evaluator_needs(store: Store, project: str) -> None:
    text = "evaluation: {each: {evaluators: [length], level: span}}"
    answers, found, calls = Length(("answer",)), Length(("documents",)), Length(("tools",))
    for made in (answers, found, calls):
        made.version = "-".join(made.needs)
        assert work(store, project, made, text) == 6
        assert work(store, project, made, text) == 0
    assert {(s.span_id, s.answer, s.documents) for s in answers.seen} == {
        ("m", "reply", ("a fact",))
    }
    assert {(s.span_id, s.documents) for s in found.seen} == {("d", ("a fact",))}
    first = next(s for s in calls.seen if s.trace_id.endswith("-0"))
    assert first.tools[0].arguments == '{"x": 1}' and first.tools[0].failed
    assert {row["level"] for row in rows(store, project)} == {"span"}


def test_a_session_is_scored_once_with_its_turns_and_again_when_it_goes_on(
    store: Store, project: str
) -> None:
    text = "evaluation: {talk: {evaluators: [length], level: session}}"
    made = Length()
    assert work(store, project, made, text) == 2
    assert work(store, project, made, text) == 0
    first = next(s for s in made.seen if s.session_id.endswith("s0"))
    assert first.turns == tuple((f"question {i}", f"answer {i}") for i in range(3))
    assert first.answer == "answer 0\n\nanswer 1\n\nanswer 2"
    more = SpanRow(project, f"{project}-9", "r", time.time_ns(), kind="CHAIN", input="and?",
                   output="so.", session_id=f"{project}-s0")  # fmt: skip
    spans.insert_spans(store, [more], uuid.uuid4().hex)
    time.sleep(0.02)
    assert work(store, project, made, text) == 1
    assert made.seen[-1].turns[-1] == ("and?", "so.")
    found = rows(store, project)
    assert [(row["level"], row["session_id"][-2:]) for row in found] == [
        ("session", "s0"), ("session", "s1"),
    ]  # fmt: skip
    version = found[0]["evaluator_version"]
    assert version != "v1"
    whole = summarise(store, project, "length", version, 0, 2**62)
    assert (whole.level, whole.scored, whole.traffic) == ("session", 2, 2)


def test_workers_have_each_item_between_them_once(store: Store, project: str) -> None:
    seen = []
    for worker in range(3):
        made = Length()
        run_batch(store, project, whole(made, 0), Desk(Split(worker, 3)))
        seen += [sample.trace_id for sample in made.seen]
    assert sorted(seen) == [f"{project}-{i}" for i in range(6)]


def test_draws_are_salted_and_no_client_draws_with_them() -> None:
    """Traces that a client's sampler kept by their last bytes are drawn as often as others."""
    ids = [f"{i * 2654435761 % 2**64:032x}" for i in range(20_000)]
    kept = [each for each in ids if int(each[-14:], 16) < 0.1 * 2**56]
    share = sum(sampled(each, 0.2, "a") for each in kept) / len(kept)
    assert share == pytest.approx(0.2, abs=0.05)
    both = sum(sampled(each, 0.2, "a") and sampled(each, 0.2, "b") for each in ids) / len(ids)
    assert both == pytest.approx(0.04, abs=0.01)


class Flaky(Length):
    """An endpoint that is down for its first so many calls."""

    down = 1

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        self.down -= 1
        if self.down >= 0:
            return [failed("unreachable: nobody there") for _ in samples]
        return super().evaluate(samples)


def test_an_error_that_may_pass_is_tried_again_and_counted(
    store: Store, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "wait", lambda tries: 1)
    made, desk = Flaky(), Desk()
    made.down = 2
    assert run_batch(store, project, whole(made, 0), desk) == 6
    assert run_batch(store, project, whole(made, 0), desk) == 0
    assert {row["reason"] for row in rows(store, project)} == {"unreachable: nobody there"}
    assert summarise(store, project, "length", "v1", 0, 2**62).waiting == 6
    for tries in (2, 3):
        time.sleep(1.05)
        # What was stored long ago is tried again, too.
        later = int(time.time() * 1000) + 10**6
        assert run_batch(store, project, whole(made, 0), desk, since_ms=later) == 6
        assert {row["attempts"] for row in rows(store, project)} == {tries}
    assert {row["status"] for row in rows(store, project)} == {"scored"}
    time.sleep(1.05)
    assert run_batch(store, project, whole(made, 0), desk) == 0
    (line,) = desk.tally.state()["lines"]
    assert (line["tried_again"], line["items"]["error unreachable"]) == (12, 12)


def test_a_verdict_that_failed_is_not_tried_again() -> None:
    assert retry.schedule("error", "unparsable: maybe", 0, 5) == (1, 0)
    assert retry.schedule("scored", "", 3, 5) == (4, 0)
    assert retry.schedule("error", "timeout: 60 s", 0, 5) == (1, 60_005)


def test_tries_end_after_about_a_day() -> None:
    waits = [retry.wait(tries) for tries in range(1, 40)]
    assert waits[:3] == [60, 120, 240] and max(waits) == 7200
    assert waits[-1] == 0 and 22 * 3600 < sum(waits) <= 24 * 3600


def test_scores_of_trace_views_show_what_was_stored(store: Store, project: str) -> None:
    run_batch(store, project, whole(Length(), 0))
    (row,) = scores.trace_scores(store, project, f"{project}-0")
    assert (row["evaluator"], row["status"]) == ("length", "scored")
