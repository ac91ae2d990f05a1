"""When something began, and which open alerts say so already: one change is one alert."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitors.alerts.message import Message
from schemas.models import DeliveryRow

TOGETHER_MS = 2 * 3600 * 1000  # onsets that are no further apart are one moment


@dataclass(frozen=True, slots=True)
class Moment:
    """An onset with its 90% interval, milliseconds since 1970; a point where none is known."""

    onset: int
    low: int
    high: int

    def same(self, other: Moment) -> bool:
        """True where the onsets are near, or one of them lies in the other's interval."""
        return (
            abs(self.onset - other.onset) <= TOGETHER_MS
            or self.low <= other.onset <= self.high
            or other.low <= self.onset <= other.high
        )


@dataclass(frozen=True, slots=True)
class Told:
    """A destination that an open alert was or will be sent to."""

    destination: str
    key: str
    moment: Moment


def moment(onset_ms: int, details: str) -> Moment:
    """Of a finding, by its onset and its details (JSON)."""
    try:
        low, high = (_ms(text) for text in json.loads(details)["onset_interval"])
    except (ValueError, KeyError, TypeError):
        low = high = onset_ms
    return Moment(onset_ms, min(low, onset_ms), max(high, onset_ms))


def _ms(text: str) -> int:
    found = datetime.fromisoformat(text)
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def told(
    alive: Mapping[str, Sequence[tuple[DeliveryRow, Message]]],
    earlier: Iterable[Mapping[str, Any]],
) -> list[Told]:
    """Whom open alerts reach. `alive` has their messages by key, `earlier` the findings known so
    far, an alert's key being the id of the finding at its head. A dead delivery told nobody."""
    heads = {each["finding_id"]: each for each in earlier if each["finding_id"] in alive}
    return [
        Told(row.rule, key, moment(head["onset_ms"], head["details"]))
        for key, head in heads.items()
        for row, _ in alive[key]
        if row.status != "dead"
    ]
