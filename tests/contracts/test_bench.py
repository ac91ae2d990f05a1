"""Every published figure's command still starts."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

NAMES = sorted(p.stem for p in (Path(__file__).parents[2] / "bench").glob("[!_]*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_bench_can_be_imported(name: str) -> None:
    importlib.import_module(f"bench.{name}")
