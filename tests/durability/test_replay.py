"""ClickHouse that lost what it had acknowledged: kept segments bring it back, each span once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from assay import transfer
from collector import kept
from schemas import clickhouse
from tests.conftest import wait_until
from tests.durability.harness import Id, Load, Site
from tests.durability.test_state import CLOCK

TABLES = ("spans", "span_texts", "trace_times", "segments")
BALANCE = ("written", "rejected", "dead", "damaged", "waiting")


def loaded(site: Site, count: int = 300) -> list[Id]:
    """Send, and wait until ClickHouse has all of it; the ids."""
    with Load(site) as load:
        load.more(count)
    wait_until(lambda: site.metrics()["waiting"] == 0, "the spool is drained")
    wait_until(lambda: not site.segments(), "the last segment has moved")
    return load.acknowledged


def back(site: Site, acknowledged: list[Id]) -> None:
    """Wait until the typed query returns what was acknowledged, each once; the ledger agrees."""
    wait_until(lambda: len(site.stored()) >= len(acknowledged), "all is back", 120)
    site.settle(acknowledged)
    assert site.counted() == len(acknowledged)
    metrics = site.metrics()
    assert metrics["written"] == len(acknowledged)
    assert metrics["received"] == sum(metrics.get(name, 0) for name in BALANCE)


def put_back(site: Site, copy: Path) -> None:
    """The store's folder becomes an older copy of itself."""
    folder = site.home / "store"
    shutil.rmtree(folder)
    shutil.copytree(copy, folder, symlinks=True)


@pytest.mark.parametrize("running", [True, False], ids=["running", "restarted"])
def test_what_an_older_copy_of_the_store_lacks_comes_back(tmp_path: Path, running: bool) -> None:
    with Site(tmp_path, ASSAY_KEEP_SECONDS="60") as site:
        acknowledged = loaded(site)
        site.kill_store()
        shutil.copytree(tmp_path / "store", tmp_path / "copy", symlinks=True)
        site.start_store()
        acknowledged += loaded(site)
        if not running:
            site.kill_collector()
        site.kill_store()
        put_back(site, tmp_path / "copy")
        site.start_store()
        if not running:
            site.start_collector()
        back(site, acknowledged)


@pytest.mark.slow  # the same is shown without load above, and kills under load in test_kill.py
def test_kill_of_the_store_under_load_and_an_older_copy_lose_nothing(tmp_path: Path) -> None:
    """As a power cut that takes what was acknowledged and not yet on the disk's platter."""
    with Site(tmp_path, ASSAY_KEEP_SECONDS="60") as site:
        with Load(site) as load:
            load.more(200)
            site.kill_store()
            shutil.copytree(tmp_path / "store", tmp_path / "copy", symlinks=True)
            site.start_store()
            for _ in range(3):
                stored = len(site.stored())
                wait_until(lambda at=stored: len(site.stored()) > at, "an INSERT returned")  # type: ignore[misc]
                site.kill_store()
                put_back(site, tmp_path / "copy")
                site.start_store()
                load.more(200)
        back(site, load.acknowledged)


def test_a_restored_backup_is_completed_from_the_spool(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        acknowledged = loaded(site)
        store = clickhouse.connect(site.settings)
        transfer.backup(store, tmp_path / "backup", lambda _line: None)
        store.close()
        acknowledged += loaded(site)
        site.kill_collector()
        site.kill_store()
        shutil.rmtree(tmp_path / "store")
        site.start_store()
        store = clickhouse.connect(site.settings)
        transfer.restore(store, tmp_path / "backup", lambda _line: None)
        assert 0 < len(site.stored()) < len(acknowledged)
        site.start_collector()
        back(site, acknowledged)


def test_a_wiped_store_gets_all_that_is_kept_whatever_the_clock_says(tmp_path: Path) -> None:
    seam = tmp_path / "seam"
    seam.mkdir()
    (seam / "sitecustomize.py").write_text(CLOCK)
    shift = seam / "shift"
    shift.write_text("0")
    path = os.pathsep.join([str(seam), os.environ.get("PYTHONPATH", "")])
    with Site(tmp_path, PYTHONPATH=path) as site:
        acknowledged = loaded(site)
        for seconds in ("7200", "-3600"):
            shift.write_text(seconds)
            acknowledged += loaded(site)
        site.kill_collector()
        site.kill_store()
        shutil.rmtree(tmp_path / "store")
        shift.write_text("-80000")
        site.start_store()
        site.start_collector()
        back(site, acknowledged)


@pytest.mark.slow
def test_rows_are_sent_under_another_token_where_clickhouse_remembers_the_first(
    tmp_path: Path,
) -> None:
    with Site(tmp_path) as site:
        acknowledged = loaded(site)
        site.kill_collector()
        store = clickhouse.connect(site.settings)
        for table in TABLES:
            store.command(f"ALTER TABLE {table} DELETE WHERE 1 SETTINGS mutations_sync = 2")
        assert site.stored() == []
        site.start_collector()
        back(site, acknowledged)
        assert {p.read_text() for p in (site.lane / kept.FOLDER).glob("*.again")} == {"1"}


@pytest.mark.slow
def test_what_was_purged_does_not_come_back(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        loaded(site)
        assert kept.purge(site.settings.spool) > 0
        store = clickhouse.connect(site.settings)
        for table in TABLES:
            store.command(f"TRUNCATE TABLE {table}")
        later = loaded(site)
        site.kill_collector()
        site.start_collector()
        again = loaded(site)
        assert set(site.stored()) == {*later, *again}


def test_what_is_kept_stays_within_its_setting(tmp_path: Path) -> None:
    with Site(tmp_path, ASSAY_KEEP_MIB="3") as site:
        acknowledged: list[Id] = []
        for _ in range(5):
            acknowledged += loaded(site, 900)
            held = sum(p.stat().st_size for p in (site.lane / kept.FOLDER).iterdir())
            assert 0 < held <= 3 * 2**20
        assert len(acknowledged) * 1000 > 4 * 2**20
        site.settle(acknowledged)
