"""The SDK is a client: it runs inside an application that owns folders of our names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_sdk_and_cli_import_nothing_of_an_applications_own_folders(tmp_path: Path) -> None:
    for name in ("schemas", "ui", "monitors", "evaluators"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the app was imported')")
    (tmp_path / "collector.py").write_text("raise RuntimeError('the app was imported')")
    code = (
        "import assay.sdk, assay.cli, assay.pytest_plugin; assay.cli.build_parser(); print('fine')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "fine", done.stderr


def test_server_commands_use_the_safe_path(tmp_path: Path) -> None:
    (tmp_path / "collector.py").write_text("raise RuntimeError('the app was imported')")
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import collector; print(collector.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert str(tmp_path) not in done.stdout
    assert done.returncode == 0, done.stderr
