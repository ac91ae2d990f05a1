"""Is what comes in stored, and is what is stored judged?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from schemas.clickhouse import Store
from schemas.queries import health
from schemas.queries.summary import ScoreSummary
from ui import clock
from ui.plain import visible

LATE = 600  # seconds of lag from which an evaluator is behind


def ago(seconds: float) -> str:
    """A length of time in its largest unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def show(
    store: Store, project: str, versions: Sequence[Mapping[str, Any]],
    found: Sequence[ScoreSummary], newest_ns: int,
) -> None:  # fmt: skip
    st.subheader("Health")
    ledger = health.ingest(store, project)
    tiles = st.columns(4)
    stored = int(ledger["stored_ms"])
    tiles[0].metric("Last stored", f"{ago(time.time() - stored / 1000)} ago",
                    help=clock.utc(stored * 10**6))  # fmt: skip
    told = "Spans, log records and metric points by the ledger, re-sends counted"
    tiles[1].metric("Stored in an hour", f"{ledger['hour']:,}", help=told)
    tiles[2].metric("Stored in a day", f"{ledger['day']:,}")
    tiles[3].metric("Refused in a day", f"{ledger['refused']:,}",
                    help="Reasons stand at the end of this page")  # fmt: skip
    if not versions:
        return
    of = {each.evaluator: each for each in found}
    frame = pd.DataFrame(
        {
            "evaluator": visible(row["evaluator"], 80),
            "judged last": clock.local(row["scored_ms"] * 10**6),
            "behind": ago(max(0, newest_ns - row["reached_ns"]) / 1e9),
            "traces it has not seen": max(0, now.traffic - now.seen),
            "will be tried again": now.waiting,
            "failed": now.errors,
            "version": visible(row["version"], 40),
        }
        for row in versions
        if (now := of.get(row["evaluator"])) is not None
    )
    st.dataframe(frame, hide_index=True, column_config={"judged last": clock.column("judged last")})
    slow = [row for row in versions if newest_ns - row["reached_ns"] > LATE * 10**9]
    if slow:
        names = ", ".join(visible(row["evaluator"], 80) for row in slow)
        st.caption(f"More than {LATE // 60} minutes behind the newest span: {names}.")
