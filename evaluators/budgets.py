"""Daily budgets of rules, in items: counted in the store once a day, then here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from evaluators.judges.budget import today
from schemas.clickhouse import Store
from schemas.queries import work
from schemas.queries.work import Split


class Budgets:
    """What is left of each rule's day (UTC). Of several workers each has its part."""

    def __init__(self, split: Split, day: Callable[[], date] = today) -> None:
        self._split = split
        self._day = day
        self._spent: dict[tuple[str, date], int] = {}

    def take(self, store: Store, rule: str, budget: int | None) -> bool:
        """Spend one item; False where nothing is left."""
        if budget is None:
            return True
        day, split = self._day(), self._split
        if (rule, day) not in self._spent:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            since_ms = int(midnight.timestamp()) * 1000
            self._spent = {key: n for key, n in self._spent.items() if key[1] == day}
            self._spent[rule, day] = work.judged(store, rule, since_ms, split)
        mine = budget // split.workers + (split.worker < budget % split.workers)
        if self._spent[rule, day] >= mine:
            return False
        self._spent[rule, day] += 1
        return True
