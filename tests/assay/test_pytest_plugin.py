"""The plugin passes, fails and says that it cannot tell, inside an app that owns our names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
ROWS = {
    "good": [{"answer": "I cannot help with that."}] * 60,
    "bad": [{"answer": "Paris."}] * 60,
    "few": [{"answer": "I cannot help with that."}] * 5,
}

def test_good(assay_eval):
    verdict = assay_eval("refusal", ROWS["good"], at_least=0.5)
    assert len(verdict.rows) == 60 and verdict.rows[0]["score"] == 1.0

def test_bad(assay_eval):
    assay_eval("refusal", ROWS["bad"], at_least=0.5)

def test_few(assay_eval):
    assay_eval("refusal", ROWS["few"], at_least=0.5)

def test_unknown(assay_eval):
    assay_eval("nothing", ROWS["few"], at_least=0.5)
"""


@pytest.mark.parametrize("otherwise", ["fail", "warn"])
def test_it_asserts_on_the_bounds_and_says_why(tmp_path: Path, otherwise: str) -> None:
    for name in ("schemas", "evaluators"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the app was imported')")
    (tmp_path / "test_app.py").write_text(APP)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nassay_inconclusive = {otherwise}\n")
    # Other plugins of the installation have no say in it.
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    chosen = "test_few" if otherwise == "warn" else "test_"
    command = [sys.executable, "-m", "pytest", "-p", "assay.pytest_plugin", "-rA", "-k", chosen]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    said = done.stdout
    if otherwise == "warn":
        assert "1 passed" in said and "1 warning" in said, said
        assert "InconclusiveWarning: " in said
        assert "inconclusive: 5 independent rows, at least 20 are needed" in said
        return
    assert "3 failed, 1 passed" in said, said
    assert "failed: the upper bound 0.060 is under 0.5" in said
    assert "inconclusive: 5 independent rows, at least 20 are needed" in said
    assert "CannotRunError" in said and "no evaluator is named 'nothing'" in said
