"""A judge behind an endpoint: verdicts as it offers them, every failure typed, nothing stuck."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from evaluators.base import Result
from evaluators.judges.budget import Budget
from evaluators.judges.endpoint import FUSE, Endpoint
from evaluators.judges.openai_api import OpenAIJudge
from evaluators.judges.question import Part, Question
from schemas.judging import JudgePolicy
from tests.evaluators.judges.fake_openai import Fake, Reply, Script, error, in_turn, says, serving

LABELS = (("Yes", 1.0), ("No", 0.0))
SURE = says("Yes", chances=[("Yes", 0.6), (" yes", 0.2), ("No", 0.1), ("Maybe", 0.1)])


def question(answer: str = "Paris.") -> Question:
    return Question("You judge.", (Part("answer", answer),), "Is it right?", LABELS)


def judge(fake: Fake, budget: Budget | None = None, **policy: Any) -> OpenAIJudge:
    """A judge whose retries wait for next to nothing."""
    given = JudgePolicy(
        url=fake.url, model="judge-1", **{"timeout": 0.3, "patience": 5.0, **policy}
    )
    endpoint = Endpoint(fake.url, "sk-secret", given.timeout, given.patience, first_delay=0.01)
    return OpenAIJudge("default", given, "sk-secret", budget, endpoint)


def ask(script: Script, **policy: Any) -> tuple[Result, OpenAIJudge, Fake]:
    with serving(script) as fake:
        made = judge(fake, **policy)
        (result,) = made.ask([question()])
        made.close()
    return result, made, fake


def test_the_verdict_is_the_expected_value_over_the_label_tokens() -> None:
    result, _, fake = ask(in_turn(SURE))
    assert result.status == "scored"
    assert result.value == pytest.approx(0.8 / 0.9, abs=1e-4)
    assert "label mass 0.900, entropy 0.503" in result.explanation
    assert result.usage is not None
    assert (result.usage.requests, result.usage.input_tokens) == (1, 100)
    assert fake.headers[0]["authorization"] == "Bearer sk-secret"
    assert fake.asked[0]["temperature"] == 0 and fake.asked[0]["logprobs"] is True


def test_too_little_mass_on_the_labels_is_off_label() -> None:
    result, _, _ = ask(in_turn(says("Well", chances=[("Well", 0.95), ("Yes", 0.04)])))
    assert result.reason.startswith("off_label: mass 0.040")
    assert math.isnan(result.value)


def no_logprobs(_: Fake, body: dict[str, Any]) -> Reply:
    if "logprobs" in body:
        return error(400, "This model does not support the 'logprobs' parameter.")
    return says(json.dumps({"reason": "As stated.", "verdict": "No"}))


def only_text(_: Fake, body: dict[str, Any]) -> Reply:
    for name in ("logprobs", "response_format", "temperature", "max_tokens"):
        if name in body:
            return error(422, f"Unsupported parameter: '{name}' is not supported with this model")
    user = body["messages"][-1]["content"]
    mark = user[user.index("of the form\n") :].split("\n")[1].split()[0]
    return says(f"It is not. The answer says 'Verdict: Yes'.\n\n**{mark} No**")


def ignores(_: Fake, body: dict[str, Any]) -> Reply:
    return says('```json\n{"reason": "r", "verdict": "yes"}\n```' if len(body) > 5 or
                "response_format" in body else "Yes")  # fmt: skip


@pytest.mark.parametrize(
    ("script", "value", "most"), [(no_logprobs, 0.0, 2), (only_text, 0.0, 6), (ignores, 1.0, 2)]
)
def test_what_an_endpoint_cannot_do_is_found_once_and_remembered(
    script: Script, value: float, most: int
) -> None:
    with serving(script) as fake:
        made = judge(fake, timeout=20.0, patience=60.0)
        results = made.ask([question(str(i)) for i in range(20)])
    assert {result.status for result in results} == {"scored"}
    assert {result.value for result in results} == {value}
    assert len(fake.asked) < 20 + most
    assert sum(r.usage.requests for r in results if r.usage) == len(fake.asked)


def test_a_pinned_mode_is_not_given_up_and_belongs_to_the_version() -> None:
    result, made, _ = ask(no_logprobs, mode="logprobs")
    assert result.reason.startswith("rejected: HTTP 400: This model does not support")
    assert made.spec["mode"] == "logprobs"


@pytest.mark.parametrize(
    ("reply", "kind", "requests"),
    [
        (Reply(how="hang"), "timeout", 6),
        (Reply(200, {"choices": "x" * 2000}, how="drip"), "timeout", 6),
        (Reply(how="drop"), "unreachable", 6),
        (error(500, "boom"), "server_error", 6),
        (error(429, "slow down", retry_after="0.01"), "rate_limited", 6),
        (error(429, "slow down", retry_after="3600"), "rate_limited", 1),
        (error(429, "you are out of money", "insufficient_quota"), "rate_limited", 1),
        (error(401, "Incorrect API key provided: sk-secret"), "denied", 1),
        (error(400, "maximum context length is 8192", "context_length_exceeded"), "too_long", 1),
        (error(400, "The response was filtered", "content_filter"), "refused", 1),
        (says("", refusal="I cannot judge this."), "refused", 1),
        (says("", finish="content_filter"), "refused", 1),
        (Reply(200, b"<html>502 Bad Gateway</html>"), "unparsable", 6),
        (Reply(200, {"choices": []}), "unparsable", 6),
        (says("I would rather talk about the weather."), "unparsable", 1),
        (says("It", finish="length"), "unparsable", 1),
    ],
    ids=["hang", "drip", "drop", "500", "429", "429 for an hour", "no quota", "401", "long",
         "filtered", "refused", "cut by a filter", "html", "no choice", "no verdict", "cut"],
)  # fmt: skip
def test_each_failure_is_typed_retried_and_counted(reply: Reply, kind: str, requests: int) -> None:
    result, made, fake = ask(in_turn(reply), mode="text", timeout=0.15)
    assert result.status == "error"
    assert result.reason.split(":")[0] == kind
    assert "sk-secret" not in result.reason
    assert math.isnan(result.value)
    assert result.usage is not None
    assert (result.usage.requests, result.usage.failed) == (requests, 1)
    assert len(fake.asked) == requests
    failed = sum(made.failures.values())
    assert failed == (0 if reply.status == 200 and requests == 1 else requests)


def test_a_call_that_fails_at_first_is_retried_until_it_succeeds() -> None:
    bad = (Reply(how="drop"), error(503, "overloaded"), error(429, "wait", retry_after="0.1"))
    result, made, fake = ask(in_turn(*bad, SURE))
    assert result.status == "scored"
    assert result.usage is not None and result.usage.retries == 3
    assert made.failures == {"unreachable": 1, "server_error": 1, "rate_limited": 1}
    assert fake.times[3] - fake.times[2] >= 0.1


def test_a_used_up_limit_in_the_headers_is_waited_for() -> None:
    body = SURE.body
    used_up = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "150ms"}
    with serving(in_turn(Reply(200, body, used_up), SURE)) as fake:
        made = judge(fake)
        made.ask([question("a")])
        made.ask([question("b")])
    assert fake.times[1] - fake.times[0] >= 0.15


def test_no_more_requests_run_at_once_than_are_allowed() -> None:
    with serving(in_turn(SURE)) as fake:
        assert all(r.status == "scored" for r in judge(fake, concurrency=3).ask([question()] * 30))
    assert 1 <= fake.most_at_once <= 3


def test_a_dead_endpoint_is_not_asked_for_every_item() -> None:
    with serving(in_turn(Reply(how="drop"))) as fake:
        results = judge(fake, concurrency=4).ask([question(str(i)) for i in range(200)])
    assert {result.reason.split(":")[0] for result in results} == {"unreachable"}
    assert len(fake.asked) <= FUSE + 4


def test_another_model_than_the_one_configured_is_recorded() -> None:
    with serving(in_turn(SURE, says("No", "judge-2", [("No", 0.99)]))) as fake:
        made = judge(fake)
        first, second = made.ask([question("a")]) + made.ask([question("b")])
    assert (first.model, second.model) == ("judge-1", "judge-2")


def test_a_spent_budget_leaves_the_rest_unscored() -> None:
    with serving(in_turn(SURE)) as fake:
        made = judge(fake, Budget(0.01), price=(10.0, 10.0), max_reply_tokens=20)
        results = [made.ask([question(str(i))])[0] for i in range(20)]
    reasons = [result.reason for result in results]
    spent = sum(result.usage.cost_usd for result in results if result.usage)
    assert reasons[:6] == [""] * 6 and reasons[-1] == "budget"
    assert 0.005 < spent <= 0.01
    assert len(fake.asked) == reasons.count("")


def test_a_budget_without_a_price_spends_nothing() -> None:
    result, _, fake = ask(in_turn(SURE), budget=None, budget_usd=1.0)
    assert result.status == "unscored" and result.reason.startswith("budget: judge-1 has no known")
    assert fake.asked == []


def test_a_hundred_items_through_a_bad_endpoint_all_end_in_a_verdict_or_a_kind() -> None:
    """Drops, limits, garbage, refusals and another model, mixed."""
    other = says("Yes", "judge-2", [("Yes", 1.0)])
    garbage = (Reply(200, b"\xff\x00{"), Reply(200, {"choices": [{}]}))
    limit = error(429, "wait", retry_after="0.02")
    replies = [
        SURE, Reply(how="drop"), limit, SURE, *garbage, says("", refusal="no"), error(500, "x"),
        other, SURE,
    ]  # fmt: skip
    count = iter(range(10**6))

    def script(fake: Fake, body: dict[str, Any]) -> Reply:
        with fake.lock:
            return replies[next(count) % len(replies)]

    with serving(script) as fake:
        made = judge(fake)
        results = made.ask([question(str(i)) for i in range(100)])
    kinds = {result.reason.split(":")[0] for result in results if result.status == "error"}
    assert len(results) == 100
    assert kinds <= {"refused", "unparsable", "unreachable", "rate_limited", "server_error"}
    assert {result.model for result in results if result.status == "scored"} == {
        "judge-1", "judge-2",
    }  # fmt: skip
    assert sum(r.usage.requests for r in results if r.usage) == len(fake.asked)
    assert made.failures["rate_limited"] > 0
