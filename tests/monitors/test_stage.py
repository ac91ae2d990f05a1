"""Faults are attributed to their stage, effects add up, inseparable causes are named as one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from monitors.rootcause.leaves import LeavesError
from monitors.rootcause.stage import SCORE, Stages, attribute

N = 3000


def found(
    drift: float = 0.0, prompt: float = 0.0, reach: float = 0.0, model: str = "own",
    score: float = 0.0, tools: float = 0.0,
) -> Stages:  # fmt: skip
    """`drift` of retrieval's score, effect of a prompt that reaches a share of sessions, a model
    ("own" deploys none, "with" along with the prompt), an effect that no column shows."""
    draw = np.random.default_rng(11)
    session = np.arange(N) // 5
    late = session >= 360
    topic = np.where(draw.random(N) < np.where(late, 0.3, 0.5), "easy", "hard")
    top = draw.normal(0.5, 0.1, N) + 0.1 * (topic == "easy") - drift * late
    new = late & (draw.random(session.max() + 1)[session] < reach)
    error = draw.random(N) < 0.05 + tools * late
    y = (top + 0.1 * draw.normal(size=N) - prompt * new - 0.3 * error - score * late)  # fmt: skip
    stages: dict[str, dict[str, Any]] = {
        "input": {"topic": topic},
        "retrieval": {"top_score": top},
        "prompt": {"version": np.where(new, "v2", "v1")},
        "model": {"model": np.where(new & (model == "with"), "m2", "m1")},
        "tools": {"error": error},
    }
    return attribute(stages, y, late, session.tolist())


def named(result: Stages) -> dict[tuple[str, ...], float]:
    return {e.stages: round(e.change, 2) for e in result.effects if e.named}


def test_a_changed_mix_of_topics_alone_is_the_input() -> None:
    assert named(found()) == {("input",): -0.02}


def test_a_worse_retrieval_is_told_from_the_mix() -> None:
    result = named(found(drift=0.1))
    assert set(result) == {("retrieval",), ("input",)}
    assert result["retrieval",] == pytest.approx(-0.1, abs=0.015)


def test_a_prompt_in_part_of_the_traffic_is_told_from_what_no_column_shows() -> None:
    result = named(found(prompt=0.2, reach=0.5, score=0.1))
    assert set(result) == {("prompt",), (SCORE,), ("input",)}
    assert result["prompt",] == pytest.approx(-0.1, abs=0.02)
    assert result[SCORE,] == pytest.approx(-0.1, abs=0.02)


def test_a_harmless_prompt_is_not_blamed_for_tools_that_fail_beside_it() -> None:
    assert set(named(found(reach=0.5, tools=0.4))) == {("tools",), ("input",)}


def test_a_prompt_and_a_model_in_the_same_rows_are_one_cause() -> None:
    result = named(found(prompt=0.2, reach=0.5, model="with"))
    assert set(result) == {("prompt", "model"), ("input",)}


def test_a_prompt_in_all_rows_is_named_with_the_later_stage_where_it_shows() -> None:
    assert set(named(found(prompt=0.2, reach=1.0))) == {("prompt", SCORE), ("input",)}
    together = named(found(prompt=0.2, reach=1.0, model="with"))
    assert set(together) == {("prompt", "model", SCORE), ("input",)}
    assert set(named(found(reach=1.0, tools=0.4))) == {("prompt", "tools"), ("input",)}


@pytest.mark.parametrize("reach", [0.0, 0.5, 1.0])
def test_effects_and_the_unexplained_rest_are_the_change(reach: float) -> None:
    result = found(drift=0.05, prompt=0.2, reach=reach, tools=0.1)
    total = sum(e.change for e in result.effects) + result.unexplained
    assert total == pytest.approx(result.after - result.before, abs=1e-12)
    assert abs(result.unexplained) < 0.02 * abs(result.after - result.before)


def test_a_missing_number_is_a_value_of_its_own() -> None:
    draw = np.random.default_rng(2)
    late = np.arange(2000) >= 1000
    lost = draw.random(2000) < np.where(late, 0.5, 0.0)
    top = np.where(lost, np.nan, draw.normal(0.5, 0.1, 2000))
    y = 0.8 - 0.4 * lost + 0.05 * draw.normal(size=2000)
    result = attribute({"retrieval": {"top": top}}, y, late, list(range(2000)))
    assert named(result)["retrieval",] == pytest.approx(-0.2, abs=0.03)


def test_rows_that_were_drawn_more_often_do_not_pass_for_a_changed_mix() -> None:
    draw = np.random.default_rng(4)
    late = np.arange(8000) >= 4000
    hard = draw.random(8000) < 0.5
    y = 0.8 - 0.3 * hard - 0.1 * late * ~hard + 0.1 * draw.normal(size=8000)
    chance = np.where(late & ~hard, 0.2, 1.0)
    kept = draw.random(8000) < chance
    held = {"input": {"topic": np.where(hard, "hard", "easy")[kept]}}
    ask = partial(attribute, held, y[kept], late[kept], np.flatnonzero(kept))
    assert named(ask())["input",] < -0.05, "without weights the mix is blamed"
    told = ask(weight=1 / chance[kept])
    assert set(named(told)) == {(SCORE,)}
    change = y[late].mean() - y[~late].mean()
    assert told.after - told.before == pytest.approx(change, abs=0.015)
    scaled = ask(weight=7 / chance[kept])
    assert [e.change for e in scaled.effects] == pytest.approx([e.change for e in told.effects])


def test_too_few_sessions_and_too_many_stages_are_refused() -> None:
    held: Any = {"input": {"topic": ["a", "b"] * 20}}
    late = np.arange(40) >= 20
    with pytest.raises(LeavesError, match="5 sessions on one side"):
        attribute(held, [1.0] * 40, late, [i // 4 for i in range(40)])
    with pytest.raises(LeavesError, match="one to 9 stages"):
        attribute({}, [1.0] * 40, late, list(range(40)))
    with pytest.raises(LeavesError, match="missing values"):
        attribute(held, [float("nan")] * 40, late, list(range(40)))
    with pytest.raises(LeavesError, match="weight must be above 0"):
        attribute(held, [1.0] * 40, late, list(range(40)), weight=[0.0] * 40)
