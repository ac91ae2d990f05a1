"""The Compose files and the Dockerfile against the code: no engine runs here, so text is held."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.cli import build_parser

ROOT = Path(__file__).parents[2]
PROCESSES = ("collector", "evaluators", "monitors", "ui")
# What the ClickHouse image itself reads.
SERVER_IMAGE = {"CLICKHOUSE_USER", "CLICKHOUSE_DB", "CLICKHOUSE_PASSWORD"}


def load(name: str) -> dict[str, Any]:
    """The services of a Compose file."""
    document = yaml.safe_load((ROOT / name).read_text())
    services: dict[str, Any] = document["services"]
    return services


def commands() -> set[str]:
    """Subcommands that `assay` knows."""
    (action,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return set(action.choices)


def read_by_code() -> set[str]:
    """Variables that the settings and the processes' own `__main__` name."""
    sources = [ROOT / "schemas" / "settings.py", *ROOT.glob("*/__main__.py")]
    text = "".join(path.read_text() for path in sources)
    return set(re.findall(r'"((?:ASSAY|CLICKHOUSE)_[A-Z_]+)"', text))


OURS = {name: s for name, s in load("docker-compose.yml").items() if name != "clickhouse"}


@pytest.mark.parametrize("name", OURS)
def test_every_service_runs_a_command_of_the_cli(name: str) -> None:
    assert OURS[name]["command"] == [name]
    assert name in commands()


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_the_code_reads(name: str) -> None:
    assert set(OURS[name]["environment"]) <= read_by_code()


@pytest.mark.parametrize("name", OURS)
def test_every_service_uses_the_server_of_the_compose_file(name: str) -> None:
    url = OURS[name]["environment"]["CLICKHOUSE_URL"]
    assert re.sub(r"\$\{CLICKHOUSE_PASSWORD:\?[^}]*\}", "x", url) == (
        "http://assay:x@clickhouse:8123/assay"
    )


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_waits_for_migrations_and_has_a_health_check(name: str) -> None:
    needs = OURS[name]["depends_on"]
    assert needs["migrate"]["condition"] == "service_completed_successfully"
    assert needs["clickhouse"]["condition"] == "service_healthy"
    assert OURS[name]["healthcheck"]["test"][0] == "CMD"


def test_the_server_gets_a_user_a_database_and_a_password_that_must_be_set() -> None:
    server = load("docker-compose.yml")["clickhouse"]
    assert server["image"] == "clickhouse/clickhouse-server:26.9"
    assert set(server["environment"]) == SERVER_IMAGE
    assert server["environment"]["CLICKHOUSE_PASSWORD"].startswith("${CLICKHOUSE_PASSWORD:?")
    assert "ports" not in server
    assert "/ping" in server["healthcheck"]["test"][-1]


def test_the_collector_is_open_to_others_only_with_a_key_and_keeps_its_spool() -> None:
    collector = OURS["collector"]
    assert collector["environment"]["ASSAY_INGEST_KEY"].startswith("${ASSAY_INGEST_KEY:?")
    assert collector["environment"]["ASSAY_HOST"] == "0.0.0.0"
    assert collector["ports"] == ["4317:4317", "4318:4318"]
    assert collector["volumes"] == ["spool:/var/lib/assay"]


def test_the_ui_without_a_login_is_published_on_loopback_only() -> None:
    assert OURS["ui"]["ports"] == ["127.0.0.1:8501:8501"]


def test_the_gpu_file_adds_a_device_to_a_service_that_exists() -> None:
    overlay = load("docker-compose.gpu.yml")
    assert set(overlay) <= set(OURS)
    (device,) = overlay["evaluators"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


def test_the_image_copies_every_package_and_leaves_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for name in ("assay", "schemas", *PROCESSES):
        assert f"COPY {name} {name}\n" in text
    assert "pip install -c constraints.txt '.[server]'" in text
    assert 'ENTRYPOINT ["assay"]' in text
    assert text.index("USER assay") < text.index("ENTRYPOINT")
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / one).exists() for one in source.split())
