"""The bottom layer: row models, migrations, the ClickHouse client, every query, settings, registry."""
