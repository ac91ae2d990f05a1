"""What the evaluators' worker asks besides its work."""

from __future__ import annotations

from schemas.clickhouse import Store
from schemas.queries.scope import across_projects


@across_projects("the clock")
def now_ms(store: Store) -> int:
    """ClickHouse's own time in milliseconds: `stored_at` is set by its clock, so `scored_at` must
    be too, or a worker whose clock is behind would judge the same traces for ever."""
    return int(store.rows("SELECT toUnixTimestamp64Milli(now64(3)) AS now")[0]["now"])
