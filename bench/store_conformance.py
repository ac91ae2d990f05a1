"""How much of clickhouse-connect's own integration test-suite the embedded store passes.

`python -m bench.store_conformance CHECKOUT --python VENV/bin/python`: the checkout has its compiled
parts built in place (`python setup.py build_ext --inplace`), and the interpreter has its
tests/test_requirements.txt. A store of its own is started for the run and thrown away.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# What these tests are about is not something that the store offers, by design.
NOT_APPLICABLE = {
    r"test_show_row_pol|test_command_show_pol|test_role_set": "one user: no roles, no row policies",
    r"test_query_id_in_query_logs": "system log tables are off, so that an idle store is idle",
    r"test_wrong_port_error_message": "no native protocol on port 9000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test of the suite: passed, failed or not applicable, and why not passed."""

    test: str
    verdict: str
    reason: str


def free_port() -> int:
    """A loopback port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a store and wait until it answers."""
    environ = {**os.environ, "ASSAY_HOME": str(home), "ASSAY_STORE_PORT": str(port)}
    child = subprocess.Popen([sys.executable, "-P", "-m", "schemas.store"], env=environ)
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return child
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    child.kill()
    raise SystemExit("the store did not start")


def run_suite(checkout: Path, python: str, port: int, password: str, report: Path) -> None:
    """Run the suite in its own folder, so that it imports the client of its own version."""
    environ = {
        **os.environ,
        "CLICKHOUSE_CONNECT_TEST_HOST": "127.0.0.1",
        "CLICKHOUSE_CONNECT_TEST_PORT": str(port),
        "CLICKHOUSE_CONNECT_TEST_USER": "assay",
        "CLICKHOUSE_CONNECT_TEST_PASSWORD": password,
        "CLICKHOUSE_CONNECT_TEST_DATABASE": "conformance",
    }
    environ.pop("PYTHONPATH", None)
    # Native tracebacks: pytest's own parse the source, which overflows Python 3.11 in deep tests.
    subprocess.run(
        [
            python, "-m", "pytest", "tests/integration_tests", "-q", "-o", "addopts=",
            "-o", "log_cli=false", "-p", "no:cacheprovider", "--tb=native",
            f"--junitxml={report}",
        ],
        cwd=checkout, env=environ, check=False,
    )  # fmt: skip


def outcomes(report: Path) -> list[Outcome]:
    """Read pytest's report; a test that the suite skips is not applicable, with its own reason."""
    found = []
    for case in ElementTree.parse(report).iter("testcase"):
        module = case.get("classname", "").rpartition(".")[2]
        test = f"{module}::{case.get('name', '')}"
        skipped = case.find("skipped")
        failure = case.find("failure")
        if failure is None:
            failure = case.find("error")
        excused = [why for pattern, why in NOT_APPLICABLE.items() if re.search(pattern, test)]
        if skipped is not None:
            found.append(Outcome(test, "not applicable", skipped.get("message", "")))
        elif failure is None:
            found.append(Outcome(test, "passed", ""))
        elif excused:
            found.append(Outcome(test, "not applicable", excused[0]))
        else:
            found.append(Outcome(test, "failed", (failure.get("message") or "")[:200]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        store = start(home, port)
        try:
            password = (home / "store.password").read_text().strip()
            run_suite(given.checkout, given.python, port, password, home / "report.xml")
        finally:
            store.terminate()
            store.wait(20)
        results = outcomes(home / "report.xml")
    for result in results:
        if result.verdict != "passed":
            print(f"{result.verdict:15} {result.test}: {' '.join(result.reason.split())}")
    counts = Counter(result.verdict for result in results)
    applicable = counts["passed"] + counts["failed"]
    print(
        f"{counts['passed']} passed, {counts['failed']} failed,"
        f" {counts['not applicable']} not applicable:"
        f" {100 * counts['passed'] / max(applicable, 1):.1f}% of {applicable} applicable"
    )
    ours = sum(result.reason in NOT_APPLICABLE.values() for result in results)
    strict = 100 * counts["passed"] / max(applicable + ours, 1)
    print(f"with the {ours} that only this script calls not applicable as failed: {strict:.1f}%")


if __name__ == "__main__":
    main()
