"""The bottom layer: row models, migrations, the ClickHouse client, queries, settings, registry."""
