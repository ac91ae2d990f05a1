"""pytest: assert that an application's answers are good enough, by the lower bound of the mean.

A test asks for the fixture `assay_eval`. The scoring runs as `assay eval` in a process of its own,
on Python's safe path: an application may own folders with the names of Assay's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"
_BY_CODE = {0: PASSED, 1: FAILED, 2: INCONCLUSIVE}


class InconclusiveWarning(UserWarning):
    """Rows were too few to say whether a mean is high enough, and the settings let that pass."""


class CannotRunError(RuntimeError):
    """The run could not be made; the message is that of `assay eval`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`said`: mean, interval and reason in words; `rows`: each row with score, status, reason."""

    outcome: str
    said: str
    rows: tuple[Mapping[str, Any], ...]


def judged(
    evaluator: str, rows: Iterable[Mapping[str, Any]], at_least: float, timeout: float | None = None
) -> Verdict:
    """Whether the mean of the rows' scores is at least so much: passed where the whole 95% interval
    is, failed where it is below, inconclusive else (docs/eval.md). Raises CannotRunError, and
    subprocess.TimeoutExpired after `timeout` seconds."""
    body = "".join(json.dumps(dict(row)) + "\n" for row in rows)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "assay", "eval", evaluator, "--fail-under", str(at_least)],
        input=body.encode(), capture_output=True, timeout=timeout, check=False,
    )  # fmt: skip
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    said = "\n".join(lines[-3:])
    if done.returncode not in _BY_CODE or (done.returncode == 2 and "inconclusive" not in said):
        raise CannotRunError(said or f"assay eval ended with {done.returncode}")
    made = tuple(json.loads(line) for line in done.stdout.splitlines())
    said = "\n".join(line for line in lines[-2:] if "\r" not in line)
    return Verdict(_BY_CODE[done.returncode], said, made)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "assay_inconclusive",
        "what becomes of a test whose rows are too few to say: fail (default) or warn (it passes,"
        " with a warning in pytest's summary)",
        default="fail",
    )


@pytest.fixture
def assay_eval(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """`assay_eval(evaluator, rows, at_least)` fails the test unless the lower bound of the mean is
    at least that; what is inconclusive fails, or passes with a warning by `assay_inconclusive`."""
    otherwise = request.config.getini("assay_inconclusive")
    if otherwise not in {"fail", "warn"}:
        raise pytest.UsageError("assay_inconclusive must be fail or warn")

    def check(
        evaluator: str, rows: Iterable[Mapping[str, Any]], at_least: float,
        timeout: float | None = None,
    ) -> Verdict:  # fmt: skip
        verdict = judged(evaluator, rows, at_least, timeout)
        if verdict.outcome == INCONCLUSIVE and otherwise == "warn":
            warnings.warn(verdict.said, InconclusiveWarning, stacklevel=2)
        elif verdict.outcome != PASSED:
            pytest.fail(verdict.said, pytrace=False)
        return verdict

    return check
