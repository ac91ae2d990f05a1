"""Without any network every built-in evaluator still judges.

The system takes the network away, by a namespace that has none; where it lets nobody make one, the
interpreter alone does, by an audit hook that no library gets past from Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from schemas.registry import load

ALONE = ("unshare", "--user", "--map-root-user", "--net")
PROGRAM = """
import json, socket, sys

def refuse(event, _arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        raise OSError(f"{event}: there is no network here")

sys.addaudithook(refuse)
from evaluators.base import Resources, judge
from evaluators.embedding import Embedder
from evaluators.worker import build
from tests.contracts.test_evaluators import samples

def cut_off(host):
    try:
        socket.create_connection((host, 443), 2).close()
    except OSError:
        return True
    return False

left_out = {"pairwise", *sys.argv[1:]}  # pairwise asks of two answers
evaluators = [e for e in build(Resources(Embedder())) if e.name not in left_out]
found = {e.name: [r.status for r in judge(e, samples(e))] for e in evaluators}
print(json.dumps({"cut off": [cut_off(h) for h in ("127.0.0.1", "1.1.1.1")], "found": found}))
"""


@pytest.fixture(scope="module")
def alone() -> tuple[str, ...]:
    """What a command stands behind to have no network; nothing where that is not allowed."""
    try:
        done = subprocess.run([*ALONE, "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return ()
    return ALONE if done.returncode == 0 else ()


@pytest.mark.parametrize("left_out", [["llm_judge"], pytest.param([], marks=pytest.mark.slow)])
def test_every_evaluator_judges_without_a_network(
    alone: tuple[str, ...], left_out: list[str]
) -> None:
    """The language model, which is the dearest, in `make test-all`."""
    environ = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    done = subprocess.run(
        [*alone, sys.executable, "-c", PROGRAM, *left_out], capture_output=True, env=environ,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["cut off"] == [True, True]
    registered = set(load("evaluator", "evaluators.metrics")) - {"pairwise", "llm_judge"}
    assert registered <= set(told["found"])
    for name, statuses in told["found"].items():
        assert "scored" in statuses and "error" not in statuses, name
