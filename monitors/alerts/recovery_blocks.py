"""When a finding of a stream's blocks or of a column is over: as before, or used no more."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from scipy.stats import t as student

from monitors.alerts.recovery import ENOUGH
from monitors.drift.e_detector import HISTORY
from monitors.series import Stream

RECENT_DAYS = 3  # of a stream, by which it is judged
PART = 1 / 3  # of a large effect may be left
BLOCKS = 12  # with spans, by which a column is judged
THURSDAY = 3  # 1970-01-01
DAY_MS = 86_400_000


def _weekend(day: int) -> bool:
    return (day + THURSDAY) % 7 >= 5


def why_days_over(
    found: Mapping[str, Any], mine: Stream | None, whole: Stream | None, last: int, margin: float
) -> str:
    """Why a finding of a stream is over, "" where it is not or too little is known. `mine` has the
    means of its segment's days, `whole` those of all traffic; `last` is the last day that is over.

    The last RECENT_DAYS days, all after the onset, are held against the days before it, working
    days and weekends each against their own. Over: the 95% interval of their mean difference, the
    day being the unit, excludes `margin` and a third of the effect, whichever is more, in the
    finding's direction; or nobody uses the segment any more.
    """
    began = found["onset_ms"] // DAY_MS
    recent = range(last - RECENT_DAYS + 1, last + 1)
    if recent[0] <= began:
        return ""
    if mine is None or not any(day in mine.means for day in recent):
        seen = sum(whole.sessions.get(day, 0) for day in recent) if whole else 0
        return f"none of the last {seen} sessions is of this segment" if seen >= ENOUGH else ""
    if not all(day in mine.means for day in recent):
        return ""
    kinds: dict[bool, list[float]] = {}
    for day, mean in mine.means.items():
        if day < began:
            kinds.setdefault(_weekend(day), []).append(mean)
    if any(len(kinds.get(_weekend(day), [])) < 2 for day in recent):
        return ""
    off = [mean - fmean(means) for means in kinds.values() for mean in means]
    free = len(off) - len(kinds)
    if len(off) < HISTORY:
        return ""
    spread = math.sqrt(sum(x * x for x in off) / free)
    sign = 1 if found["effect"] < 0 else -1
    change = fmean(mine.means[day] - fmean(kinds[_weekend(day)]) for day in recent)
    fewest = min(len(kinds[_weekend(day)]) for day in recent)
    wide = float(student.ppf(0.975, free)) * spread * math.sqrt(1 / RECENT_DAYS + 1 / fewest)
    if sign * change - wide <= -max(margin, PART * abs(found["effect"])):
        return ""
    return (
        f"over the last {RECENT_DAYS} days it differs by {change:+.3g} (95% interval"
        f" {change - wide:+.3g} to {change + wide:+.3g}) from such days before the onset, and"
        f" differed by {found['effect']:+.3g}"
    )


def why_filled(found: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The same of a column that was missed; `rows` are the latest blocks of `fields.filled` of all
    services, all after the onset. Over: the 95% interval of its filled share, blocks being the
    unit, is above the middle between the shares before and after the onset."""
    service = json.loads(found["segment"])["service"]
    column = found["signal"].removeprefix("field_")
    blocks = [row for row in rows if row["service"] == service]
    if not blocks:
        spans = sum(int(row["n_kind"]) for row in rows)
        return f"none of the last {spans} spans is of this service" if spans >= ENOUGH else ""
    used = [(int(r[f"n_{column}"]), int(r[f"k_{column}"])) for r in blocks if r[f"n_{column}"]]
    spans = sum(n for n, _ in used)
    if len(used) < BLOCKS or spans < ENOUGH:
        return ""
    shares = [k / n for n, k in used]
    share = fmean(shares)
    low = share - 1.96 * stdev(shares) / math.sqrt(len(shares))
    if low <= (found["mean_reference"] + found["mean_current"]) / 2:
        return ""
    return (
        f"{column} is filled in {share:.0%} of the last {spans} spans, and was in"
        f" {found['mean_reference']:.0%} before"
    )
