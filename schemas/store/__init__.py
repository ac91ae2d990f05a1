"""The embedded store: chDB, the ClickHouse engine, behind ClickHouse's own HTTP interface."""
