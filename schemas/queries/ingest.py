"""What the collector asks ClickHouse: how busy it is, and what it holds by the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.clickhouse import Store
from schemas.queries.scope import across_projects

_AT_ONCE = 200  # names of a query; they travel in its URL


@across_projects("parts of tables")
def busiest_partition(store: Store) -> int:
    """The largest number of active parts of one partition of our tables."""
    (row,) = store.rows(
        """
        SELECT max(n) AS n FROM (
            SELECT count() AS n FROM system.parts
            WHERE active AND database = currentDatabase() GROUP BY table, partition_id
        )
        """
    )
    return int(row["n"] or 0)


@across_projects("the operator's ledger")
def stored_by_ledger(store: Store) -> dict[str, dict[str, int]]:
    """Items that INSERTs brought, by signal and project (re-sends counted, as the collector counts
    them): a view writes the rows in the same INSERT."""
    rows = store.rows(
        """
        SELECT toString(signal) AS signal, toString(project) AS project, sum(spans) AS n
        FROM segments FINAL GROUP BY signal, project
        """
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["signal"], {})[row["project"]] = int(row["n"])
    return found


@across_projects("names of segments")
def lacking(store: Store, names: Sequence[str]) -> set[str]:
    """Those of the names of segments, or of parts of them, whose INSERT left no row: ClickHouse
    does not hold them, or no more."""
    held: set[str] = set()
    for at in range(0, len(names), _AT_ONCE):
        rows = store.rows(
            "SELECT DISTINCT segment FROM segments WHERE segment IN {names:Array(String)}",
            names=list(names[at : at + _AT_ONCE]),
        )
        held.update(row["segment"] for row in rows)
    return set(names) - held
