"""Costs: what the span says, else prices of the library, cached input not paid twice."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from genai_prices import Usage, calc_price

from collector.conventions.rules import Convention
from collector.pricing import LIBRARY, cost
from schemas.registry import load
from tests.collector.test_normalise import _row

NOW = 1_790_000_000 * 10**9


@pytest.fixture(scope="module")
def conventions() -> list[Convention]:
    return [make() for make in load("convention", "collector.conventions").values()]


def _call(**more: Any) -> dict[str, Any]:
    return {"kind": "LLM", "model": "gpt-4o", "provider": "openai", "input_tokens": 1000,
            "output_tokens": 100, **more}  # fmt: skip


def test_cached_input_costs_its_own_price_and_not_both() -> None:
    # gpt-4o: 2.5 $ a million input tokens, 1.25 $ where cached, 10 $ output.
    assert cost(_call(), NOW) == (pytest.approx(0.0035), LIBRARY)
    assert cost(_call(cache_read_tokens=800), NOW) == (pytest.approx(0.0025), LIBRARY)


def test_written_cache_costs_more_than_input() -> None:
    call = _call(model="claude-sonnet-4-20250514", provider="anthropic", cache_write_tokens=500)
    expected = calc_price(Usage(input_tokens=1000, output_tokens=100, cache_write_tokens=500),
                          "claude-sonnet-4-20250514", provider_id="anthropic")  # fmt: skip
    plain = cost({**call, "cache_write_tokens": 0}, NOW)[0]
    assert cost(call, NOW) == (pytest.approx(float(expected.total_price)), LIBRARY)
    assert cost(call, NOW)[0] > plain


def test_what_the_span_says_wins() -> None:
    assert cost(_call(cost_usd=0.5), NOW) == (0.5, "span")


def test_an_unknown_model_has_no_price_instead_of_a_price_of_nothing() -> None:
    assert cost(_call(model="our-own-model", provider="ourselves"), NOW) == (0.0, "unpriced")


@pytest.mark.parametrize("name", ["", "litellm", "OpenAI", "azure.ai.openai"])
def test_a_provider_by_another_name_has_its_price(name: str) -> None:
    assert cost(_call(provider=name), NOW)[1] == LIBRARY


def test_a_known_model_at_home_does_not_cost_what_it_costs_elsewhere() -> None:
    assert cost(_call(provider="our-own-machine"), NOW) == (0.0, "unpriced")


@pytest.mark.parametrize("more", [{"kind": "AGENT"}, {"model": ""},
                                  {"input_tokens": 0, "output_tokens": 0}])  # fmt: skip
def test_what_is_no_call_of_a_model_is_not_priced(more: dict[str, Any]) -> None:
    assert cost(_call(**more), NOW) == (0.0, "")


def test_more_cached_than_input_is_taken_as_all_cached() -> None:
    assert cost(_call(cache_read_tokens=9999), NOW)[0] == pytest.approx(0.00225)


_SAME: dict[str, dict[str, Any]] = {
    "gen_ai": {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 800,
        "gen_ai.usage.reasoning.output_tokens": 40, "gen_ai.response.finish_reasons": '["stop"]',
    },
    "openinference": {
        "openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 1000, "llm.token_count.completion": 100,
        "llm.token_count.prompt_details.cache_read": 800,
        "llm.token_count.completion_details.reasoning": 40, "llm.finish_reason": "stop",
    },
    "langfuse": {
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.usage_details": '{"input": 200, "input_cached_tokens": 800,'
        ' "output": 60, "output_reasoning_tokens": 40, "total": 1100}',
    },
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(_SAME))
def test_one_call_costs_the_same_in_every_convention(
    name: str, conventions: list[Convention]
) -> None:
    row = _row(conventions, _SAME[name])
    assert (row.convention, row.input_tokens, row.output_tokens) == (name, 1000, 100)
    assert (row.cache_read_tokens, row.reasoning_tokens) == (800, 40)
    assert (row.cost_usd, row.cost_source) == (pytest.approx(0.0025), LIBRARY)
    assert row.finish_reason == ("" if name == "langfuse" else "stop")


def test_langfuses_own_cost_is_the_spans(conventions: list[Convention]) -> None:
    row = _row(conventions, {**_SAME["langfuse"],
                             "langfuse.observation.cost_details": '{"total": 0.25}'})  # fmt: skip
    assert (row.cost_usd, row.cost_source) == (0.25, "span")


def test_numbers_that_are_none_are_none(conventions: list[Convention]) -> None:
    row = _row(conventions, {"langfuse.observation.type": "generation",
                             "langfuse.observation.usage_details": '{"input": "NaN", "output": []}',
                             "langfuse.observation.cost_details": '{"total": 1e999}'})  # fmt: skip
    assert (row.input_tokens, row.output_tokens, row.cost_usd) == (0, 0, 0.0)


def test_a_collector_starts_without_the_prices() -> None:
    """They take as long to load as all of its own code."""
    said = "import sys, collector.__main__; print('genai_prices' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
