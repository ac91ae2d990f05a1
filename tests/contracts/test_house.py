"""The house rules: who may import whom, where SQL lives, file sizes, tables equal to row models."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schemas import canaries, datasets, models, review
from schemas.clickhouse import Store

ROOT = Path(__file__).parents[2]
PARTS = ("collector", "evaluators", "monitors", "ui")
PACKAGES = ("assay", "schemas", *PARTS)
SQL = re.compile(r"\bSELECT\b|\bINSERT INTO\b|\bALTER TABLE\b|\bCREATE (?:TABLE|DATABASE)\b")
# Which files alone may import a library (as path prefixes): the door to it is in one place.
DOORS = {
    "grpc": ("collector/receivers/otlp_grpc.py",),
    "grpc_status": ("collector/receivers/otlp_grpc.py",),
    "torch": ("evaluators/judges/", "evaluators/embedding.py"),
    "clickhouse_connect": ("schemas/",),
    "chdb": ("schemas/",),
    "streamlit": ("ui/",),
}
TABLES = {
    "spans_in": models.SpanRow,
    "rejections": models.RejectionRow,
    "scores": models.ScoreRow,
    "embeddings": models.EmbeddingRow,
    "labels": models.LabelRow,
    "review_batches": review.ReviewBatchRow,
    "review_items": review.ReviewItemRow,
    "dataset_versions": datasets.DatasetVersionRow,
    "dataset_items": datasets.DatasetItemRow,
    "judge_usage": models.JudgeUsageRow,
    "canary_rows": canaries.CanaryRow,
    "canary_scores": canaries.CanaryScoreRow,
    "canary_runs": canaries.CanaryRunRow,
    "findings": models.FindingRow,
    "questions": models.QuestionRow,
    "deliveries": models.DeliveryRow,
    "control": models.ControlRow,
    "tombstones": models.TombstoneRow,
}


def sources(*folders: str) -> list[Path]:
    """Python files under the folders."""
    return sorted(path for name in folders for path in (ROOT / name).rglob("*.py"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Top-level names of every module imported anywhere in a file, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            names.add((node.module or "").split(".")[0])
    return frozenset(names)


def texts(path: Path) -> Iterator[str]:
    """String constants of a file, less docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


def offenders(allowed: dict[str, set[str]]) -> list[str]:
    """'file imports package' for every import of ours that is not allowed."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for part, may in allowed.items()
        for path in sources(part)
        for name in imports(path) & set(PACKAGES) - may - {part}
    ]


def test_the_parts_import_schemas_and_never_each_other() -> None:
    assert offenders({part: {"schemas"} for part in PARTS}) == []


def test_schemas_is_the_bottom_layer() -> None:
    assert offenders({"schemas": set()}) == []


@pytest.mark.parametrize("name", ["__init__.py", "sdk.py", "cli.py", "pytest_plugin.py"])
def test_the_client_side_of_assay_imports_no_sibling(name: str) -> None:
    assert imports(ROOT / "assay" / name) & set(PACKAGES) <= {"assay"}


@pytest.mark.parametrize("library", DOORS)
def test_a_library_is_imported_only_behind_its_door(library: str) -> None:
    strangers = [
        name
        for path in sources(*PACKAGES)
        if library in imports(path)
        and not (name := str(path.relative_to(ROOT))).startswith(DOORS[library])
    ]
    assert strangers == []


def test_sql_is_written_only_in_schemas() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text[:60]!r}"
        for path in sources("assay", *PARTS)
        for text in texts(path)
        if SQL.search(text)
    ]
    assert found == []


def test_no_file_is_longer_than_400_lines() -> None:
    folders = (*PACKAGES, "tests", "bench", "examples")
    long = [p for p in sources(*folders) if len(p.read_text().splitlines()) > 400]
    assert long == []


@pytest.mark.parametrize("table", TABLES)
def test_the_columns_of_a_table_equal_its_row_model(store: Store, table: str) -> None:
    # As sets: an INSERT names its columns, and a dataclass keeps fields with defaults last.
    rows = store.rows(
        "SELECT name FROM system.columns WHERE database = currentDatabase()"
        " AND table = {table:String} AND default_kind != 'MATERIALIZED'",
        table=table,
    )
    model: Any = TABLES[table]
    assert {row["name"] for row in rows} == {f.name for f in dataclasses.fields(model)}
