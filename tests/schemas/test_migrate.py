"""Migrations for a cluster: every statement of every file, as the engine's parser reads it."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from schemas import migrate
from schemas.clickhouse import Store
from schemas.settings import SettingsError

NAMES = sorted(f.name for f in files("schemas").joinpath("sql").iterdir())
EVERY = [
    (name, text) for name in NAMES if name.endswith(".sql") for text in migrate.statements(name)
]


def _formatted(store: Store, statement: str) -> str:
    """As the engine writes what it understood: one line, without comments."""
    (row,) = store.rows("SELECT formatQuerySingleLine({q:String}) AS q", q=statement)
    return str(row["q"])


@pytest.mark.parametrize(("name", "statement"), EVERY)
def test_every_statement_is_parsed_in_its_form_for_a_cluster(
    store: Store, name: str, statement: str
) -> None:
    rendered = migrate.clustered(statement, "{cluster}")
    assert store.rows(f"EXPLAIN AST {rendered}")
    plain, found = _formatted(store, statement), _formatted(store, rendered)
    if plain.startswith("INSERT") or "ATTACH PARTITION" in plain:
        assert found == plain
    else:
        assert found.count("ON CLUSTER") == 1
    assert not re.search(r"ENGINE = (?!Replicated)\w*MergeTree", found)
    assert "non_replicated" not in found
    assert ("non_replicated" in plain) == ("deduplication_window_seconds = 604800" in found)
    back = re.sub(r" ON CLUSTER (`\{cluster\}`|'\{cluster\}'|\{cluster\})", "", found)
    back = back.replace("ENGINE = Replicated", "ENGINE = ")
    back = re.sub(
        r"replicated_(deduplication_window = 10000), \w+ = 604800", r"non_replicated_\1", back
    )
    assert back == plain  # nothing else was changed


def test_the_record_of_migrations_is_replicated_too(store: Store) -> None:
    rendered = migrate.clustered(migrate._RECORD, "prod-1")
    found = _formatted(store, rendered)
    assert "ON CLUSTER" in found
    assert "ReplicatedReplacingMergeTree(applied_at)" in found


def test_without_a_cluster_nothing_changes() -> None:
    assert all(migrate.clustered(text, "") == text for _, text in EVERY)


def test_a_name_that_would_end_the_statement_is_refused() -> None:
    with pytest.raises(SettingsError, match="CLICKHOUSE_CLUSTER"):
        migrate.clustered("DROP TABLE spans", "x'; DROP")
