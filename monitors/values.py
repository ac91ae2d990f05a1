"""Values of an attribute that came or went: a model, a prompt version, a source, a language.

Sessions are the unit. A value that no session of the reference had is new where Fisher's test says
that chance does not explain it, at a level shared out over all values that were looked at; the same
the other way round for a value that vanished.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from scipy.stats import hypergeom

from monitors.findings import identity
from schemas.clickhouse import Store
from schemas.models import FindingRow
from schemas.queries import fields

LEVEL = 0.01
SHARE = 0.05  # of sessions, that a value must have where it is


def value_findings(
    store: Store, project: str, start_ns: int, cut_ns: int, end_ns: int
) -> list[FindingRow]:
    """New and vanished values between [start, cut) and [cut, end). Their status is 'observed': a
    release is no failure; they are shown, never sent."""
    rows = fields.values(store, project, start_ns, cut_ns, end_ns)
    made = []
    for row in rows:
        before, after = int(row["before"]), int(row["after"])
        n, m = int(row["all_before"]), int(row["all_after"])
        if min(n, m) == 0 or (before and after):
            continue
        # Of n + m sessions before + after have the value; that all of them fall on one side.
        p = float(hypergeom.pmf(before, n + m, before + after, n))
        share = after / m if after else before / n
        if share < SHARE or p > LEVEL / len(rows):
            continue
        made.append(_finding(project, row["column"], row["value"], row, p, cut_ns))
    return made


def _finding(
    project: str, column: str, value: str, row: dict[str, int], p: float, cut_ns: int
) -> FindingRow:
    new = bool(row["after"])
    at = int(row["first_ms"] if new else row["last_ms"])
    when = f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    old, now = row["before"] / row["all_before"], row["after"] / row["all_after"]
    text = (
        f"{column}={value} was never seen before {when}, and is in {now:.0%} of sessions since"
        if new
        else f"{column}={value} was in {old:.0%} of sessions, and is in none since {when}"
    )
    details = {
        "sentence": f"{text} ({row['all_before']}+{row['all_after']} sessions, p={p:.2g})",
        "onset": datetime.fromtimestamp(at / 1000, UTC).isoformat(),
        "appeared": [{column: value}] if new else [],
    }  # fmt: skip
    state = "appeared" if new else "vanished"
    name = identity(project, "value", state, column, value, cut_ns // (7 * 86_400 * 10**9))
    return FindingRow(
        project, name, f"values_{column}", "attribute_value", json.dumps({column: value}),
        "observed", at, int(row["first_ms"]), int(row["last_ms"]), int(row["all_before"]),
        int(row["all_after"]), old, now, now - old, 0.0, 0.0, p, 0.0, json.dumps(details),
        time.time_ns() // 10**6,
    )  # fmt: skip
