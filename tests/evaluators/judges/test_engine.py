"""Whatever is shared, padded, split or retried, a prompt's label probabilities stay the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from evaluators.judges import engine
from evaluators.judges.engine import Engine, Group, Spelled, groups
from tests.evaluators.judges import tiny

LABELS: Spelled = {(5,): "yes", (9,): "yes", (7,): "no", (7, 11): "never", (7, 11, 3): "not now"}


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny.model()


def prompts(count: int, shared: int, longest: int = 40) -> list[list[int]]:
    draw = random.Random(3)
    begun = [draw.randrange(320) for _ in range(shared)]
    return [
        begun + [draw.randrange(320) for _ in range(draw.randrange(1, longest))]
        for _ in range(count)
    ]


def step(model: Any, tokens: list[int]) -> Any:
    """Probabilities of the next token by a plain forward pass."""
    with torch.inference_mode():
        return torch.softmax(model(input_ids=torch.tensor([tokens])).logits[0, -1].float(), 0)


def plain(model: Any, prompt: list[int]) -> dict[str, float]:
    """The labels of LABELS by whole forward passes, one for each token that is read."""
    first, after_no = step(model, prompt), step(model, [*prompt, 7])
    never = float(first[7] * after_no[11])
    not_now = never * float(step(model, [*prompt, 7, 11])[3])
    return {
        "yes": float(first[5] + first[9]), "no": float(first[7]) - never,
        "never": never - not_now, "not now": not_now,
    }  # fmt: skip


@pytest.mark.parametrize(("shared", "budget"), [(0, 8192), (60, 8192), (60, 150), (60, 1)])
def test_probabilities_agree_whatever_the_batch(model: Any, shared: int, budget: int) -> None:
    asked = prompts(6, shared)
    found = Engine(model, budget).chances(asked, [LABELS] * len(asked))
    for prompt, row in zip(asked, found, strict=True):
        assert row == pytest.approx(plain(model, prompt), abs=1e-5)


def test_questions_of_one_batch_may_have_different_labels(model: Any) -> None:
    asked = prompts(4, 30)
    other: Spelled = {(5,): "good", (12, 13): "bad"}
    found = Engine(model).chances(asked, [LABELS, other] * 2)
    assert found[1] == pytest.approx(
        {"good": float(step(model, asked[1])[5]),
         "bad": float(step(model, asked[1])[12] * step(model, [*asked[1], 12])[13])}, abs=1e-5,
    )  # fmt: skip
    assert found[0] == pytest.approx(plain(model, asked[0]), abs=1e-5)


def test_a_head_that_scales_its_output_is_kept(model: Any) -> None:
    model.config.logit_scale = 2.0  # as Cohere's models have it; this one only takes the other way
    try:
        asked = prompts(5, 20)
        (row, *_) = Engine(model).chances(asked, [LABELS] * 5)
    finally:
        del model.config.logit_scale
    assert row == pytest.approx(plain(model, asked[0]), abs=1e-5)


def test_the_rubric_first_is_shared_by_all() -> None:
    asked = [[*range(100), 200 + i, 1] for i in range(6)]
    assert groups(asked) == [Group(100, tuple(range(6)))]


def test_the_sample_first_is_shared_by_the_questions_about_it() -> None:
    begun = list(range(20))
    asked = [[*begun, *([50 + sample] * 80), rubric] for rubric in range(3) for sample in range(4)]
    found = groups(asked)
    assert sorted(group.prefix for group in found) == [100] * 4
    assert sorted(sorted(group.members) for group in found) == [
        [sample, sample + 4, sample + 8] for sample in range(4)
    ]


def test_a_prompt_keeps_a_token_of_its_own() -> None:
    same = list(range(40))
    assert groups([same, same, [*same, 1]]) == [Group(39, (0, 1, 2))]
    assert groups([]) == []
    assert groups([same]) == [Group(0, (0,))]


def test_out_of_memory_halves_the_budget_and_goes_on(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompts(12, 40)
    made = Engine(model, 4000)
    tried: list[int] = []
    whole = Engine._next

    def scarce(self: Engine, tokens: Any, *rest: Any) -> Any:
        tried.append(len(tokens))
        if len(tokens) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, tokens, *rest)

    monkeypatch.setattr(Engine, "_next", scarce)
    found = made.chances(asked, [LABELS] * 12)
    assert max(tried) == 12 and made.budget < 4000 / 2
    for prompt, row in zip(asked, found, strict=True):
        assert row == pytest.approx(plain(model, prompt), abs=1e-5)


def test_a_prompt_that_never_fits_costs_no_other(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [*prompts(4, 0, 10), list(range(300))]
    whole = Engine._next

    def scarce(self: Engine, tokens: Any, *rest: Any) -> Any:
        if tokens.numel() >= 300:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        return whole(self, tokens, *rest)

    monkeypatch.setattr(Engine, "_next", scarce)
    found = Engine(model).chances(asked, [LABELS] * 5)
    assert found[4] is None
    assert all(row is not None for row in found[:4])


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(Engine, "_next", broken)
    with pytest.raises(RuntimeError, match="size mismatch"):
        Engine(model).chances(prompts(2, 0), [LABELS] * 2)
    assert not engine.starved(RuntimeError("size mismatch"))
