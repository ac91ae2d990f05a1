"""The state machine of rules, over every phase, sight and time."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from monitors.alerts.states import INACTIVE, Seen, State, Turn, against, burning, step

SEEN: tuple[Seen, ...] = get_args(Seen)


def run(seen: str, hold: int = 0, clear: int = 0, state: State = INACTIVE) -> list[Turn]:
    """Turns over steps of one second: b, g, - (between), ? (unknown)."""
    names: dict[str, Seen] = {"b": "bad", "g": "good", "-": "between", "?": "unknown"}
    turns: list[Turn] = []
    for second, letter in enumerate(seen, 1):
        state, turn = step(state, names[letter], second * 1000, hold * 1000, clear * 1000)
        turns.append(turn)
    return turns


@pytest.mark.parametrize(
    ("seen", "hold", "clear", "turns"),
    [
        ("b", 0, 0, [""]),  # pending is on disk before anything fires
        ("bb", 0, 0, ["", "firing"]),
        ("bbbbb", 3, 0, ["", "", "", "firing", ""]),
        ("bbgbbb", 3, 0, [""] * 6),  # not sustained
        ("bb-bbb", 3, 0, [""] * 6),
        ("bb?bbb", 3, 0, [""] * 6),
        ("bbg", 0, 0, ["", "firing", "resolved"]),
        ("bbggg", 0, 2, ["", "firing", "", "", "resolved"]),
        ("bbggbggg", 0, 2, ["", "firing", "", "", "", "", "", "resolved"]),  # no flapping
        ("bbgg-ggg", 0, 2, ["", "firing", "", "", "", "", "", "resolved"]),
        ("bb????", 0, 0, ["", "firing", "", "", "", ""]),  # no data does not resolve
        ("bbg?gg", 0, 2, ["", "firing", "", "", "resolved", ""]),
        ("bbgbb", 0, 0, ["", "firing", "resolved", "", "firing"]),
        ("g-??", 0, 0, [""] * 4),
    ],
)
def test_a_rule_turns_when_it_should(seen: str, hold: int, clear: int, turns: list[Turn]) -> None:
    assert run(seen, hold, clear) == turns


def test_over_every_short_history_firings_and_ends_alternate() -> None:
    for length, hold, clear in product(range(1, 8), (0, 2), (0, 2)):
        for letters in product("bg-?", repeat=length):
            turns = [t for t in run("".join(letters), hold, clear) if t]
            assert turns == [("firing", "resolved")[n % 2] for n in range(len(turns))]


@pytest.mark.parametrize("seen", SEEN)
def test_a_clock_that_jumps_back_neither_fires_nor_resolves(seen: Seen) -> None:
    pending, firing = State("pending", 10_000), State("firing", 10_000, 10_000)
    assert step(pending, seen, 5_000, 1_000, 1_000)[1] == ""
    assert step(firing, seen, 5_000, 1_000, 1_000)[1] == ""


def test_a_firing_keeps_the_moment_it_became_pending() -> None:
    state, _ = step(INACTIVE, "bad", 1_000, 0, 0)
    state, turn = step(state, "bad", 9_000, 0, 0)
    assert (state, turn) == (State("firing", 1_000), "firing")


@pytest.mark.parametrize(
    ("value", "above", "below", "clear", "seen"),
    [
        (None, 1.0, None, None, "unknown"),
        (1.1, 1.0, None, None, "bad"),
        (1.0, 1.0, None, None, "good"),
        (0.9, 1.0, None, 0.8, "between"),
        (0.8, 1.0, None, 0.8, "good"),
        (0.9, None, 1.0, None, "bad"),
        (1.0, None, 1.0, None, "good"),
        (1.1, None, 1.0, 1.2, "between"),
        (1.2, None, 1.0, 1.2, "good"),
        (1.0, None, None, None, "unknown"),
    ],
)
def test_a_limit_has_a_band_in_which_nothing_turns(
    value: float | None, above: float | None, below: float | None, clear: float | None, seen: Seen
) -> None:
    assert against(value, above, below, clear) == seen


@pytest.mark.parametrize(
    ("pairs", "seen"),
    [
        ([(15.0, 20.0, 14.4)], "bad"),
        ([(15.0, 2.0, 14.4)], "good"),  # it has stopped
        ([(2.0, 20.0, 14.4)], "between"),  # it has just begun
        ([(2.0, 2.0, 14.4), (7.0, 7.0, 6.0)], "bad"),  # slow and long
        ([(None, 20.0, 14.4)], "unknown"),
        ([(None, None, 14.4), (7.0, 7.0, 6.0)], "bad"),
        ([], "unknown"),
    ],
)
def test_a_budget_burns_over_a_window_and_its_last_part(
    pairs: list[tuple[float | None, float | None, float]], seen: Seen
) -> None:
    assert burning(pairs) == seen
