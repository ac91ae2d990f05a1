"""`assay usage`: what each project sent, and what its model calls cost, by day."""

from __future__ import annotations

import sys

from schemas import clickhouse, control
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.queries import usage
from schemas.queries.spans import projects
from schemas.settings import Settings

_COLUMNS = ("spans", "logs", "metrics", "calls", "characters", "input_tokens", "output_tokens")


def run(settings: Settings, project: str, days: int) -> int:
    """Print a table a project; the exit code."""
    if days < 1:
        print("assay: --days is 1 or more", file=sys.stderr)
        return 2
    try:
        store = clickhouse.connect(settings)
        quotas = control.quotas(store)
        for each in [project] if project else projects(store):
            quota = quotas.get(each) or quotas.get("default")
            limit = "no quota"
            if quota and any(quota.limits):
                limit = (
                    f"quota a minute: {quota.items_per_minute:g} items,"
                    f" {quota.mib_per_minute:g} MiB (0: no limit)"
                )
            print(f"{each} ({limit})")
            _table(*_days(usage.received(store, each, days), usage.used(store, each, days)))
        store.close()
    except (Retryable, Permanent, ControlError) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    return 0


def _days(*found: list[dict[str, object]]) -> tuple[dict[str, dict[str, object]], list[str]]:
    merged: dict[str, dict[str, object]] = {}
    for rows in found:
        for row in rows:
            merged.setdefault(str(row["day"]), {}).update(row)
    return merged, sorted(merged, reverse=True)


def _table(rows: dict[str, dict[str, object]], days: list[str]) -> None:
    if not days:
        print("  nothing in this time\n")
        return
    print(
        "  day        " + "".join(f"{name.replace('_', ' '):>15}" for name in _COLUMNS) + "   cost"
    )
    for day in days:
        row = rows[day]
        cells = "".join(f"{row.get(name, 0):>15,}" for name in _COLUMNS)
        cost = f"${row.get('cost_usd', 0.0):.4f}"
        if row.get("unpriced"):
            cost += f" + {row['unpriced']} calls without a price"
        print(f"  {day} {cells}   {cost}")
    print()
