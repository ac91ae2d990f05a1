"""Numbered forward migrations: plain `.sql` files, each recorded once in `schema_migrations`."""

from __future__ import annotations

import re
from importlib.resources import files

from schemas.clickhouse import Store
from schemas.settings import SettingsError

_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations
(version String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplacingMergeTree(applied_at) ORDER BY version
"""
_ENGINE = re.compile(r"\bENGINE = (\w*MergeTree)\b")
_NAMED = re.compile(
    r"(?m)^((?:CREATE TABLE|CREATE MATERIALIZED VIEW|CREATE VIEW|ALTER TABLE|DROP TABLE|DROP VIEW)"
    r"(?: IF NOT EXISTS| IF EXISTS)? \w+)"
)
# What one replica does to the rows of a table, the others get from it.
_ROWS = re.compile(r"\bATTACH PARTITION\b")
_WINDOW = "non_replicated_deduplication_window = 10000"
_WINDOWS = (
    "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800"
)


def clustered(statement: str, cluster: str) -> str:
    """A statement of the migrations for one shard with several replicas; "" leaves it as it is.

    Tables get the Replicated engine with the server's default path, which must name {uuid} or
    table, {shard} and {replica}; they are made on all hosts of the cluster. INSERT is left alone.
    """
    if not cluster:
        return statement
    if not re.fullmatch(r"[\w.{}-]+", cluster):
        raise SettingsError(f"CLICKHOUSE_CLUSTER={cluster!r} is no name of a cluster")
    statement = _ENGINE.sub(r"ENGINE = Replicated\1", statement).replace(_WINDOW, _WINDOWS)
    if _ROWS.search(statement):
        return statement
    return _NAMED.sub(lambda found: f"{found[1]} ON CLUSTER '{cluster}'", statement, count=1)


def pending(store: Store, cluster: str = "") -> list[str]:
    """File names that have not been applied, in order."""
    store.command(clustered(_RECORD, cluster))
    done = {row["version"] for row in store.rows("SELECT version FROM schema_migrations")}
    names = sorted(f.name for f in files("schemas").joinpath("sql").iterdir())
    return [name for name in names if name.endswith(".sql") and name not in done]


def statements(name: str) -> list[str]:
    """The statements of one migration file."""
    text = files("schemas").joinpath("sql", name).read_text()
    return [part.strip() for part in text.split(";\n") if part.strip()]


def migrate(store: Store, cluster: str = "") -> list[str]:
    """Apply what is pending and return the names. A file that was cut off is applied again."""
    applied = pending(store, cluster)
    for name in applied:
        for statement in statements(name):
            again = statement.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
            again = again.replace(
                "CREATE MATERIALIZED VIEW ", "CREATE MATERIALIZED VIEW IF NOT EXISTS ", 1
            ).replace("CREATE VIEW ", "CREATE VIEW IF NOT EXISTS ", 1)
            store.command(clustered(again, cluster))
        store.command("INSERT INTO schema_migrations (version) VALUES ({name:String})", name=name)
    return applied
