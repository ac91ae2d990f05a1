"""The supervisor plans, checks ports, and refuses unknown names in words."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from assay.supervisor import StartError, busy_ports, plan
from schemas.settings import Settings, SettingsError, from_environment


@pytest.fixture
def local(tmp_path: Path) -> Settings:
    return from_environment({"ASSAY_HOME": str(tmp_path)})


def test_plan_leaves_out_what_is_asked(local: Settings) -> None:
    names = [p.name for p in plan(local, "ui, evaluators")]
    assert names == ["store", "collector", "monitors"]


def test_plan_has_no_embedded_store_when_a_server_is_configured(local: Settings) -> None:
    cluster = dataclasses.replace(local, clickhouse_url="http://elsewhere:8123/assay")
    assert "store" not in [p.name for p in plan(cluster)]


def test_an_unknown_process_name_is_refused_with_the_known_ones(local: Settings) -> None:
    with pytest.raises(StartError, match=r"judge; there are: store, collector"):
        plan(local, "judge")


def test_a_busy_port_is_named_with_its_variable(local: Settings) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = dataclasses.replace(local, ui_port=holder.getsockname()[1])
        assert any("ASSAY_UI_PORT" in text for text in busy_ports(plan(taken)))


@pytest.mark.parametrize("value", ["no", "0", "70000", "-1"])
def test_a_bad_port_is_refused_by_name(value: str) -> None:
    with pytest.raises(SettingsError, match="ASSAY_UI_PORT"):
        from_environment({"ASSAY_UI_PORT": value})
