"""`assay doctor` says how far evaluators are behind, and asks for a hand only where they are."""

from __future__ import annotations

from pathlib import Path

from assay.behind import behind
from evaluators.tally import Tally
from schemas.settings import from_environment


def test_lag_and_errors_are_said_and_a_long_lag_is_a_fault(tmp_path: Path) -> None:
    settings = from_environment({"ASSAY_HOME": str(tmp_path)})
    assert list(behind(settings)) == []
    tally = Tally(0)
    tally.saw("shop", "quick", 0, 0.0, 1.0)
    tally.saw("shop", "helpful", 12, 5.0, 0.5)
    tally.did("shop", "helpful", {"error timeout": 3}, 2, 0)
    tally.saw("shop", "late", 9000, 3600.0, 2**-10)
    tally.save(tmp_path / "run")
    helpful, late = behind(settings)
    assert helpful == (
        True,
        "evaluators, worker 0: helpful of shop: queue 9, lag 5 s, drawn with probability 0.5;"
        " errors 3, tried again 2",
    )
    assert not late[0] and "lag 3600 s" in late[1]
