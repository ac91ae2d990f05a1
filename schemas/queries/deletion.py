"""Taking rows out of every table for good, and the proof that nothing of them is left.

A mutation's statement is written to disk. So what is deleted is never named in it: ids lie in a
table in memory for as long as a deletion runs, and the statement only names that table.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from schemas.clickhouse import Store
from schemas.models import DeletedIdRow
from schemas.queries.scope import across_projects

_HELPER = "deleting_"
_COLUMNS = {"trace_id": "trace", "session_id": "session", "user_id": "user"}
# Old parts go at once instead of after eight minutes, and what replaces them is synced first.
_STRICT = "old_parts_lifetime = 0, min_rows_to_fsync_after_merge = 1"
HOURS = ("traffic_hours", "score_hours", "model_hours")
_KEPT = ("segments", "tombstones")  # counts, and hashes: they name nobody


@dataclass(frozen=True, slots=True)
class Names:
    """Attributes by which logs, metrics and spans name a session or a user."""

    session: tuple[str, ...] = ()
    user: tuple[str, ...] = ()


@across_projects("names of tables")
def tables(store: Store) -> dict[str, set[str]]:
    """Tables with rows of projects, and their columns."""
    rows = store.rows(
        """
        SELECT table, groupArray(name) AS names FROM system.columns
        WHERE database = currentDatabase() AND table IN (
            SELECT name FROM system.tables
            WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
        GROUP BY table HAVING has(names, 'project')
        """
    )
    return {r["table"]: set(r["names"]) for r in rows if r["table"] not in _KEPT}


@across_projects("holds ids for one deletion")
@contextmanager
def helper(store: Store, ids: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A table in memory with the (kind, id) that are to go; its name."""
    name = f"{_HELPER}{uuid.uuid4().hex}"
    store.command(f"CREATE TABLE {name} (kind LowCardinality(String), id String) ENGINE = Memory")
    try:
        rows = [DeletedIdRow(kind, one) for kind, one in ids]
        for at in range(0, len(rows), 100_000):
            store.insert(name, rows[at : at + 100_000])
        yield name
    finally:
        store.command(f"DROP TABLE {name} SYNC")


@across_projects("what a cut-off deletion left")
def clear(store: Store) -> None:
    """What a deletion that was cut off left: its mutations would wait for their table for ever."""
    store.command(f"KILL MUTATION WHERE NOT is_done AND command LIKE '%{_HELPER}%' SYNC")
    rows = store.rows(
        "SELECT name FROM system.tables"
        f" WHERE database = currentDatabase() AND startsWith(name, '{_HELPER}')"
    )
    for row in rows:
        store.command(f"DROP TABLE IF EXISTS {row['name']} SYNC")


def condition(table: str, columns: set[str], ids: str, names: Names) -> str:
    """Which rows of a table fall under the ids in table `ids`; "" where none can."""

    def among(expression: str, kind: str) -> str:
        return f"{expression} IN (SELECT id FROM {ids} WHERE kind = '{kind}')"

    found = [among(column, kind) for column, kind in _COLUMNS.items() if column in columns]
    if "attributes" in columns:
        for kind, attributes in (("session", names.session), ("user", names.user)):
            found += [among(f"attributes['{name}']", kind) for name in attributes]
    if table == "rejections":
        found.append(among("JSONExtractString(sample, 'trace_id')", "trace"))
    return f"project = {{project:String}} AND ({' OR '.join(found)})" if found else ""


def resolve(
    store: Store, project: str, kind: str, name: str, names: Names
) -> tuple[set[str], set[str]]:
    """(traces, sessions) that go with a session or a user: every trace any of whose spans names
    them, and for a user every session of such a trace with all of its traces."""
    column = {"session": "session_id", "user": "user_id"}[kind]
    listed = names.session if kind == "session" else names.user
    named = f"{column} = {{name:String}}" + "".join(
        f" OR attributes['{attribute}'] = {{name:String}}" for attribute in listed
    )
    traces = {
        row["id"]
        for table, where in (("spans", named), ("logs", named.partition(" OR ")[2]))
        if where
        for row in store.rows(
            f"""
            SELECT DISTINCT trace_id AS id FROM {table}
            WHERE project = {{project:String}} AND trace_id != '' AND ({where})
            """,
            project=project,
            name=name,
        )
    }
    if kind == "session":
        return traces, {name}
    with helper(store, (("trace", one) for one in traces)) as ids:
        sessions = {
            row["id"]
            for row in store.rows(
                f"""
                SELECT DISTINCT session_id AS id FROM spans WHERE project = {{project:String}}
                  AND session_id != '' AND trace_id IN (SELECT id FROM {ids})
                """,
                project=project,
            )
        }
    with helper(store, (("session", one) for one in sessions)) as ids:
        more = store.rows(
            f"""
            SELECT DISTINCT trace_id AS id FROM spans WHERE project = {{project:String}}
              AND session_id IN (SELECT id FROM {ids})
            """,
            project=project,
        )
    return traces | {row["id"] for row in more}, sessions


def latest(store: Store, project: str) -> int:
    """The latest start of a span of a project in ns, 0 where it has none."""
    (row,) = store.rows(
        "SELECT toUnixTimestamp64Nano(max(last)) AS at FROM trace_times"
        " WHERE project = {project:String}",
        project=project,
    )
    return int(row["at"])


def count(
    store: Store, project: str, ids: Sequence[tuple[str, str]], names: Names
) -> dict[str, int]:
    """Rows by table that fall under the ids; without ids every row of the project. Rows that are
    only marked as deleted count, too."""
    found: dict[str, int] = {}
    with helper(store, ids) as held:
        for table, columns in tables(store).items():
            where = condition(table, columns, held, names) if ids else "project = {project:String}"
            if where:
                sql = f"SELECT count() AS n FROM {table} WHERE {where}"
                (row,) = store.rows(f"{sql} SETTINGS apply_deleted_mask = 0", project=project)
                found[table] = int(row["n"])
    return found


def erase(store: Store, project: str, ids: Sequence[tuple[str, str]], names: Names) -> int:
    """Delete what `count` counts, and all parts of the tables that still held it; how many of
    those parts are on disk still."""
    clear(store)
    left = 0
    with helper(store, ids) as held:
        for table, columns in tables(store).items():
            where = condition(table, columns, held, names) if ids else "project = {project:String}"
            if where:
                left += _erase(store, table, where, project)
    if ids:
        # Sums over what is gone go whole: pages read the rows until they are made again.
        for table in HOURS:
            left += _erase(store, table, "project = {project:String}", project)
        traces = {name for kind, name in ids if kind == "trace"}
        left += _examples(store, project, traces) + _mentions(store, project, traces)
    return left


def _erase(store: Store, table: str, where: str, project: str) -> int:
    (row,) = store.rows(f"SELECT count() AS n FROM {table} WHERE {where}", project=project)
    store.command(f"ALTER TABLE {table} MODIFY SETTING {_STRICT}")
    try:
        if row["n"]:
            store.command(
                f"ALTER TABLE {table} DELETE WHERE {where}"
                " SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1",
                project=project,
            )
        done = store.rows("SELECT toString(now()) AS at")[0]["at"]
        # Dropping even nothing clears away what is inactive; merges alone do so within a minute.
        store.command(f"ALTER TABLE {table} DROP PARTITION ID 'none'")
        return _inactive(store, table, done)
    finally:
        names = ", ".join(part.split(" = ")[0] for part in _STRICT.split(", "))
        store.command(f"ALTER TABLE {table} RESET SETTING {names}")


def _inactive(store: Store, table: str, until: str) -> int:
    """Parts of a table that were replaced by then and are on disk still, or are detached."""
    (row,) = store.rows(
        """
        SELECT (SELECT count() FROM system.parts WHERE NOT active AND database = currentDatabase()
                  AND table = {table:String} AND remove_time <= toDateTime({until:String}))
             + (SELECT count() FROM system.detached_parts
                WHERE database = currentDatabase() AND table = {table:String}) AS n
        """,
        table=table,
        until=until,
    )
    return int(row["n"])


def _examples(store: Store, project: str, traces: set[str]) -> int:
    """Findings are about many traces and stay; those that are gone leave their examples."""
    rows = store.rows(
        "SELECT finding_id, details FROM findings WHERE project = {project:String}", project=project
    )
    changed = False
    for row in rows:
        details = json.loads(row["details"] or "{}")
        listed = details.get("examples", {})
        kept = {
            side: [one for one in several if one not in traces] for side, several in listed.items()
        }
        if kept != listed:
            changed = True
            store.command(
                """
                ALTER TABLE findings UPDATE details = {details:String}
                WHERE project = {project:String} AND finding_id = {finding:String}
                SETTINGS mutations_sync = 2
                """,
                project=project,
                finding=row["finding_id"],
                details=json.dumps({**details, "examples": kept}),
            )
    return _erase(store, "findings", "project = {project:String} AND 0", project) if changed else 0


def _mentions(store: Store, project: str, traces: set[str]) -> int:
    """Alerts that were sent stay as well, and lose their links to traces that are gone."""
    rows = store.rows(
        """
        SELECT delivery_id, body FROM deliveries FINAL
        WHERE project = {project:String} AND position(body, '"examples"') > 0
        """,
        project=project,
    )
    changed = False
    for row in rows:
        try:
            body = json.loads(row["body"])
            kept = [e for e in body["examples"] if e["trace_id"] not in traces]
        except (ValueError, TypeError, KeyError):
            continue
        if kept != body["examples"]:
            changed = True
            store.command(
                """
                ALTER TABLE deliveries UPDATE body = {body:String}
                WHERE project = {project:String} AND delivery_id = {delivery:String}
                SETTINGS mutations_sync = 2
                """,
                project=project,
                delivery=row["delivery_id"],
                body=json.dumps({**body, "examples": kept}, sort_keys=True),
            )
    none = "project = {project:String} AND 0"
    return _erase(store, "deliveries", none, project) if changed else 0


@across_projects("the age of running INSERTs")
def inserting(store: Store) -> float:
    """How long the oldest INSERT that runs now has been running, in seconds; 0 without one."""
    rows = store.rows("SELECT max(elapsed) AS s FROM system.processes WHERE query_kind = 'Insert'")
    return float(rows[0]["s"] or 0.0)
