"""A running collector in front of the session's store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.settings import Settings, from_environment
from tests.conftest import answers, environment, spawn, wait_until


@pytest.fixture(scope="module")
def collector(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """For a module and no longer: it sums the hours of every project that tests left in the store,
    which takes a tenth of a core as long as it runs."""
    home: Path = tmp_path_factory.mktemp("collector")
    password = settings.password_file.read_text()
    environ = environment(home)
    environ["CLICKHOUSE_URL"] = f"http://assay:{password}@127.0.0.1:{settings.store_port}/assay"
    child = spawn("collector", environ, home / "collector.log")
    mine = from_environment(environ)
    url = f"http://127.0.0.1:{mine.otlp_http_port}/readyz"
    wait_until(lambda: answers(url) or child.poll() is not None, "the collector is ready")
    assert child.poll() is None, (home / "collector.log").read_text()
    yield dataclasses.replace(mine)
    child.terminate()
    assert child.wait(30) == 0
