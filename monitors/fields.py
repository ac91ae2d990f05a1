"""A column that spans used to fill and no longer do: an SDK renamed a field, or sends it no more.

Blocks of ten minutes are the unit. The cut is where the filled share falls most. The p-value is
exact for exchangeable blocks: by the hypergeometric law of how many of the emptier blocks lie
behind a cut, times the number of cuts. No draws bound it from below, so it can be asked for at the
small level that a part of the project's one budget of false alarms leaves to each look.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from monitors.findings import identity
from schemas.clickhouse import Store
from schemas.estimates.shares import difference
from schemas.models import FindingRow
from schemas.queries import fields

Floats = NDArray[np.float64]
SECONDS = 600  # of a block
LEAST = 20  # spans on each side of a cut
USED = 0.5  # a column that was filled less often than this is not missed
LEFT = 0.5  # nor one that keeps more than this share of what it had
PART = 0.1  # of the project's budget of false alarms
LOOKS = 30 * 86_400 // SECONDS  # in 30 days that can see something new: only whole blocks count
APPEARED = 0.5  # a new key is evidence where this share of spans has it


@dataclass(frozen=True, slots=True)
class Fall:
    """Shares before and after block number `cut`, and spans on both sides."""

    cut: int
    before: float
    after: float
    n_before: int
    n_after: int
    p_value: float


def _falls(should: Floats, has: Floats) -> Floats:
    """The fall of the share at each cut (orders, blocks - 1); -inf where a side is too small."""
    n, k = np.cumsum(should, axis=-1)[..., :-1], np.cumsum(has, axis=-1)[..., :-1]
    all_n, all_k = should.sum(axis=-1, keepdims=True), has.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        fall = k / n - (all_k - k) / (all_n - n)
    return np.where((n >= LEAST) & (all_n - n >= LEAST), fall, -np.inf)


def fall(should: Sequence[int], has: Sequence[int]) -> Fall | None:
    """The largest fall over blocks in time order; None where no side is large enough, or nothing
    that was in use is missed."""
    n, k = np.asarray(should, float), np.asarray(has, float)
    if len(n) < 2:
        return None
    seen = _falls(n, k)
    cut = int(np.argmax(seen))
    if not np.isfinite(seen[cut]):
        return None
    before = float(k[: cut + 1].sum() / n[: cut + 1].sum())
    after = float(k[cut + 1 :].sum() / n[cut + 1 :].sum())
    if before < USED or after > LEFT * before:
        return None
    share = k / np.maximum(n, 1)
    # What counts as emptier must not depend on the order of blocks.
    low = share < LEFT * np.quantile(share, 0.75)
    late = len(n) - cut - 1
    behind = float(hypergeom.sf(int(low[cut + 1 :].sum()) - 1, len(n), int(low.sum()), late))
    counts = int(n[: cut + 1].sum()), int(n[cut + 1 :].sum())
    return Fall(cut + 1, before, after, *counts, min(1.0, behind * (len(n) - 1)))


def level_of(false_alarms: float) -> float:
    """Of a look, all services and columns together, by the union bound over LOOKS."""
    return PART * false_alarms / LOOKS


def field_findings(
    store: Store, project: str, start_ns: int, end_ns: int, level: float
) -> list[FindingRow]:
    """A finding per service and column that is missed at `level`, shared out over all of them; of
    blocks that are over."""
    blocks: dict[str, list[Mapping[str, Any]]] = {}
    for row in fields.filled(store, project, start_ns, end_ns, SECONDS):
        if (int(row["at"]) + SECONDS) * 10**9 <= end_ns:
            blocks.setdefault(row["service"], []).append(row)
    each = level / max(1, len(blocks) * len(fields.FILLED))
    made = []
    for service, rows in blocks.items():
        for column in fields.FILLED:
            used = [row for row in rows if row[f"n_{column}"]]
            found = fall([row[f"n_{column}"] for row in used], [row[f"k_{column}"] for row in used])
            if found is not None:
                onset = int(used[found.cut]["at"]) * 10**9
                window = (int(used[0]["at"]) * 10**9, end_ns)
                made.append(_finding(store, project, service, column, found, onset, window, each))
    return made


def _finding(
    store: Store, project: str, service: str, column: str, found: Fall, onset: int,
    window: tuple[int, int], level: float,
) -> FindingRow:  # fmt: skip
    start, end = window
    old = fields.attribute_shares(store, project, service, column, start, onset)
    now = fields.attribute_shares(store, project, service, column, onset, end)
    new = [key for key, share in now.items() if share >= APPEARED and key not in old]
    gone = [key for key, share in old.items() if share >= APPEARED and key not in now]
    when = f"{datetime.fromtimestamp(onset / 1e9, UTC):%Y-%m-%d %H:%M} UTC"
    counts = f"{found.n_before}+{found.n_after} spans, p={found.p_value:.2g}"
    sentence = (
        f"{column} is filled in {found.after:.0%} of the spans of {service or 'no service'} that"
        f" should have it since {when}, before in {found.before:.0%} ({counts})"
    )
    if new or gone:
        sentence += f"; attributes that came then: {', '.join(new[:5]) or 'none'}"
        sentence += f"; that went: {', '.join(gone[:5]) or 'none'}"
    sentence += ". Did an SDK rename a field? See docs/add-a-convention.md"
    details = {
        "sentence": sentence, "onset": datetime.fromtimestamp(onset / 1e9, UTC).isoformat(),
        "appeared": [{"attribute": key} for key in new[:20]], "vanished": gone[:20],
        "examples": {
            "before": fields.newest_traces(store, project, service, start, onset),
            "after": fields.newest_traces(store, project, service, onset, end),
        },
    }  # fmt: skip
    effect = found.after - found.before
    low, high = difference(found.after, found.n_after, found.before, found.n_before)
    status = "confirmed" if found.p_value <= level else "uncalibrated"
    return FindingRow(
        project, identity(project, "field", column, service, onset // (3600 * 10**9)),
        f"field_{column}", "missing_field", json.dumps({"service": service}), status,
        onset // 10**6, start // 10**6, end // 10**6, found.n_before, found.n_after, found.before,
        found.after, effect, low, high, found.p_value, 1.0, json.dumps(details),
        time.time_ns() // 10**6,
    )  # fmt: skip
