"""Numbered forward migrations: plain `.sql` files, each recorded once in `schema_migrations`."""

from __future__ import annotations

from importlib.resources import files

from schemas.clickhouse import Store

_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations
(version String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplacingMergeTree(applied_at) ORDER BY version
"""


def pending(store: Store) -> list[str]:
    """File names that have not been applied, in order."""
    store.command(_RECORD)
    done = {row["version"] for row in store.rows("SELECT version FROM schema_migrations")}
    names = sorted(f.name for f in files("schemas").joinpath("sql").iterdir())
    return [name for name in names if name.endswith(".sql") and name not in done]


def statements(name: str) -> list[str]:
    """The statements of one migration file."""
    text = files("schemas").joinpath("sql", name).read_text()
    return [part.strip() for part in text.split(";\n") if part.strip()]


def migrate(store: Store) -> list[str]:
    """Apply what is pending and return the names. A file that was cut off is applied again."""
    applied = pending(store)
    for name in applied:
        for statement in statements(name):
            again = statement.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
            again = again.replace(
                "CREATE MATERIALIZED VIEW ", "CREATE MATERIALIZED VIEW IF NOT EXISTS ", 1
            )
            store.command(again)
        store.command("INSERT INTO schema_migrations (version) VALUES ({name:String})", name=name)
    return applied
