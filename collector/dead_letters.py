"""Items that can never be stored: one JSON line each, synced before their segment is deleted."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Dead:
    """Why, and the span: as a row that ClickHouse refused, or as OTLP bytes that made no row."""

    reason: str
    row: Any = None
    otlp: bytes = b""
    spans: int = 1

    def line(self, segment: str) -> str:
        shown: dict[str, object] = {"reason": self.reason, "segment": segment, "spans": self.spans}
        if self.row is not None:
            shown["row"] = asdict(self.row)
        else:
            shown["otlp"] = base64.b64encode(self.otlp).decode()
        return json.dumps(shown) + "\n"


def bury(path: Path, segment: str, dead: Iterable[Dead]) -> None:
    """Append and sync. Raises OSError with nothing added.

    A segment that is met again after kill -9 may add its lines twice; the ledger counts them once.
    """
    with path.open("ab") as file:
        start = file.tell()
        with path.open("rb") as known:
            known.seek(max(0, start - 1))
            torn = known.read(1) not in {b"", b"\n"}
        try:
            file.write((b"\n" if torn else b"") + "".join(d.line(segment) for d in dead).encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(path, start)
            raise
