"""The docs against the code: every extension has a heading, every variable a row, links lead on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evaluators import ready
from schemas.registry import load

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
KINDS = {
    "convention": ("collector.conventions", "add-a-convention.md"),
    "evaluator": ("evaluators.metrics", "add-a-evaluator.md"),
    "detector": ("monitors.drift", "add-a-detector.md"),
    "two_sample": ("monitors.drift", "drift.md"),
    "format": ("assay.formats", "add-a-format.md"),
    "sink": ("monitors.alerts.sinks", "add-a-sink.md"),
}
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def headings(page: str) -> set[str]:
    """Second-level headings of a docs page, less backquotes."""
    text = (DOCS / page).read_text()
    return {line.replace("`", "") for line in re.findall(r"^## (.+)$", text, re.MULTILINE)}


def variables() -> set[str]:
    """Environment variables that the settings and the processes' own `__main__` name."""
    paths = [ROOT / "schemas" / "settings.py", *ROOT.glob("*/__main__.py")]
    text = "".join(path.read_text() for path in paths)
    return set(re.findall(r'"((?:ASSAY|CLICKHOUSE)_[A-Z_]+)"', text))


@pytest.mark.parametrize("kind", KINDS)
def test_every_registered_extension_has_a_heading(kind: str) -> None:
    package, page = KINDS[kind]
    names = set(load(kind, package))
    assert names, f"no {kind} is registered in {package}"
    assert names <= headings(page)


def test_every_evaluator_says_its_figures_or_that_it_is_not_validated() -> None:
    text = (DOCS / "add-a-evaluator.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    honest = r"not\s+validated|nothing to validate|AUROC|baseline|uninformative|model card"
    said = re.compile(honest, re.IGNORECASE)
    names = set(load("evaluator", "evaluators.metrics"))
    assert [name for name in sorted(names) if not said.search(sections[name])] == []


def test_every_evaluator_that_asks_a_judge_is_in_the_docs() -> None:
    pages = "".join(page.read_text() for page in (DOCS / "evaluators").glob("*.md"))
    assert [name for name in sorted(ready.names()) if f"`{name}`" not in pages] == []


def test_every_receiver_has_a_heading() -> None:
    modules = {p.stem for p in (ROOT / "collector" / "receivers").glob("[!_]*.py")}
    assert modules
    assert modules <= headings("add-a-receiver.md")


def test_every_variable_has_a_row_and_every_row_a_variable() -> None:
    cells = re.findall(
        r"^\| (`[A-Z_`, ]+`) \|.*$", (DOCS / "settings.md").read_text(), re.MULTILINE
    )
    rows = {name for cell in cells for name in re.findall(r"[A-Z_]+", cell)}
    assert rows == variables() - {"ASSAY_COLLECTOR_WORKER"}  # a parent's word to its workers


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [t for t in targets if not (page.parent / t).exists()] == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("add-a-*.md")), ids=lambda p: p.stem)
def test_the_worked_example_runs_and_registers_itself(page: Path) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        names: dict[str, object] = {"__name__": "example"}
        exec(compile(example, page.name, "exec"), names)
        marked = [v for v in names.values() if hasattr(v, "__assay_extension__")]
        assert marked or page.stem == "add-a-receiver"
