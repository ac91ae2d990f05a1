"""Dead letters on their way back: a person asked for another try, the writer makes it.

`ask` renames the dead-letter file of a lane, so that it works whether the collector runs or not;
`put` stores what it can, and what is refused again goes back among the dead letters.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collector.dead_letters import Dead, bury
from collector.gate import Gate
from collector.halves import Halves, Insert
from collector.ledger import UNKNOWN, Ledger
from collector.signals.base import Signal

PATTERN = "requeue-*.jsonl"


def ask(dead_letters: Path) -> int:
    """Put all dead letters of a file up for another try; how many lines there are."""
    if not dead_letters.exists():
        return 0
    count = sum(1 for line in dead_letters.read_text().splitlines() if line.strip())
    dead_letters.rename(dead_letters.with_name(f"requeue-{time.time_ns()}.jsonl"))
    return count


@dataclass(frozen=True, slots=True)
class _Letter:
    """A line: its rows, or why there are none; `spans` is what it counted for."""

    rows: list[Any]
    dead: Dead
    project: str


def _letter(line: str, signal: Signal, token: str) -> _Letter:
    found = json.loads(line)
    spans = int(found.get("spans", 1))
    said = found.get("row", found.get("span"))  # the first version called it span
    if said is not None:
        row = replace(signal.row(**said), segment=token)
        return _Letter([row], Dead(found["reason"], row), row.project)
    otlp = base64.b64decode(found["otlp"])
    try:
        rows = signal.rows(signal.request.FromString(otlp), time.time_ns(), token)
    except Exception as error:
        rows = []
        return _Letter(rows, Dead(repr(error), otlp=otlp, spans=spans), UNKNOWN)
    return _Letter(rows, Dead(found["reason"], otlp=otlp, spans=spans), UNKNOWN)


def put(
    path: Path, signal: Signal, insert: Insert, ledger: Ledger, dead_letters: Path,
    log: Callable[[str], None],
) -> None:  # fmt: skip
    """Try every letter of a requeued file again. Raises Retryable with nothing lost."""
    data = path.read_bytes()
    token = f"requeue-{hashlib.sha256(data).hexdigest()[:32]}"
    gate = Gate(signal, insert)
    letters = [_letter(line, signal, token) for line in data.decode().splitlines() if line.strip()]
    rows = [row for letter in letters for row in letter.rows]
    halves = Halves(gate.insert, token, path.with_suffix(".split"))
    refused = halves.put(rows)
    still, erased = gate.letters([letter.dead for letter in letters if not letter.rows])
    erased += gate.count(rows)
    again = still + refused
    if again:
        bury(dead_letters, token, again)
    counted: Counter[str] = Counter()
    written: Counter[str] = Counter()
    for letter in letters:
        counted[letter.project] -= letter.dead.spans
        written += gate.written(letter.rows)
    for dead in again:
        project = dead.row.project if dead.row else UNKNOWN
        counted[project] += dead.spans
        if dead.row:
            written[project] -= 1
    ledger.settle(token, 0, dead=counted, written=written, rejected=erased)
    halves.forget()
    path.unlink()
    log(f"{written.total()} dead letters are stored, {len(again)} are refused again")
