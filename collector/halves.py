"""Inserting rows some of which ClickHouse refuses for good: halve until only those are left."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from collector.dead_letters import Dead
from schemas.errors import Permanent

Insert = Callable[[Sequence[Any], str], None]


class Halves:
    """One segment's INSERTs. A part's token names its row range.

    What was refused is noted on disk: a retry cuts in the same places, so that no row is stored
    under two tokens. A part's rows name it as their segment, for ClickHouse's ledger keeps one
    count per segment name.
    """

    def __init__(self, insert: Insert, token: str, notes: Path) -> None:
        self._insert, self._token, self._notes = insert, token, notes
        self._refused: dict[str, str] = {}
        self.names: list[str] = []  # of the parts that were stored
        self.fresh: list[Dead] = []  # rows that no earlier call had refused
        with contextlib.suppress(OSError, ValueError):
            self._refused = dict(json.loads(notes.read_text()))

    def put(self, rows: list[Any]) -> list[Dead]:
        """Store all rows but those returned. Raises Retryable."""
        return self._put(rows, 0, self._token) if rows else []

    def _put(self, rows: list[Any], at: int, name: str) -> list[Dead]:
        reason = self._refused.get(name)
        if reason is None:
            whole = name == self._token
            try:
                self._insert(rows if whole else [replace(r, segment=name) for r in rows], name)
                self.names.append(name)
                return []
            except Permanent as error:
                reason = error.reason
                self._note(name, reason)
                if len(rows) == 1:
                    self.fresh.append(Dead(reason, rows[0]))
        if len(rows) == 1:
            return [Dead(reason, rows[0])]
        half = len(rows) // 2
        return [
            dead
            for part, begin in ((rows[:half], at), (rows[half:], at + half))
            for dead in self._put(part, begin, f"{self._token}:{begin}+{len(part)}")
        ]

    def _note(self, name: str, reason: str) -> None:
        self._refused[name] = reason
        draft = self._notes.with_suffix(".split.new")
        with contextlib.suppress(OSError):  # without a note the retry finds out again
            draft.write_text(json.dumps(self._refused))
            draft.replace(self._notes)

    def forget(self) -> None:
        self._notes.unlink(missing_ok=True)
