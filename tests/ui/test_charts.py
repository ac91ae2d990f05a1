"""Charts are plain specifications, and wherever they show a time the mouse finds it in UTC."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import ui
from schemas.queries.courses import Block
from ui import canaries, charts, clock, data, figures, vega
from ui.traces import heat
from ui.views import drift

AT = 1_750_000_000 * 10**9
BLOCKS = [Block("", AT + n * 3600 * 10**9, 3600 * 10**9, 0.5, 0.1, 9, 8) for n in range(3)]
RUN = {"ran_ms": AT // 10**6, "verdict": "good", "shift": 0.1, "low": 0.0, "high": 0.2, "items": 9}
DAY = {"day": 20_000, "mean": 0.5, "half": 0.1, "sessions": 9, "value": ""}
CELL = {"from": [clock.local(AT)], "to": [clock.local(AT)], "low": [1.0], "high": [2.0],
        "traces": [1], "failed": [0], "UTC": ["UTC"]}  # fmt: skip
# Each function of ui that draws over time.
DRAWN: dict[str, Callable[[], vega.Spec]] = {
    "charts.trend": lambda: charts.trend(charts.blocks(BLOCKS), AT // 10**6),
    "figures.lines": lambda: figures.lines(charts.blocks(BLOCKS), "UTC"),
    "traces.heat.spec": lambda: heat.spec(pd.DataFrame(CELL)),
    "canaries.shifts": lambda: canaries.shifts([RUN]),
    "views.drift.chart": lambda: drift.chart([DAY], "mean", "latency", [AT // 10**6]),
}


def functions_over_time() -> Iterator[str]:
    root = Path(ui.__file__).parent
    for path in root.rglob("*.py"):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(each, ast.Constant) and str(each.value).endswith(":T")
                for each in ast.walk(node)
            ):
                yield f"{module}.{node.name}"


def test_every_chart_over_time_is_looked_at() -> None:
    assert set(functions_over_time()) == set(DRAWN)


def layers(spec: dict[str, Any], above: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(mark, encoding with what the layers above give) of each layer of marks."""
    encoding = {**above, **spec.get("encoding", {})}
    for each in spec.get("layer", []):
        yield from layers(each, encoding)
    if "mark" in spec:
        mark = spec["mark"]
        yield (mark if isinstance(mark, str) else str(mark["type"])), encoding


@pytest.mark.parametrize("name", DRAWN)
def test_a_time_is_told_in_utc_beside_the_mouse(name: str) -> None:
    spec = DRAWN[name]()
    timed = [
        (mark, encoding) for mark, encoding in layers(spec, {})
        if encoding.get("x", {}).get("type") == "temporal"
    ]  # fmt: skip
    told = [
        mark for mark, encoding in timed
        if any(tip["field"] == "UTC" for tip in encoding.get("tooltip", []))
    ]  # fmt: skip
    assert told
    # Bands and bare lines lie beneath marks that tell it.
    assert {mark for mark, _ in timed} - {"area", "line"} <= set(told)
    assert all("UTC" in frame for key, frame in spec["datasets"].items() if key != "zero")


def test_fields_that_are_drawn_are_in_the_data() -> None:
    for name, draw in DRAWN.items():
        spec = draw()
        known = {column for frame in spec["datasets"].values() for column in frame}
        for _, encoding in layers(spec, {}):
            channels = [c for each in encoding.values() for c in (each if isinstance(each, list)
                                                                  else [each])]  # fmt: skip
            assert {c["field"] for c in channels} <= known, name


def test_the_heading_of_a_column_of_times_tells_how_far_utc_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert data.time_column("time")["help"] == "UTC"
    monkeypatch.setattr(data, "zone", lambda: (ZoneInfo("Asia/Tokyo"), "Asia/Tokyo"))
    told = data.time_column("time")["help"]
    assert told.startswith("In Asia/Tokyo. UTC: ")
    there, here = told.removeprefix("In Asia/Tokyo. UTC: ").split(" there is ")
    assert (int(here[:2]) - int(there[:2])) % 24 == 9
