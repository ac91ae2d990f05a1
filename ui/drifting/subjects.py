"""Topics of inputs that grew, shrank or appeared: asked of the monitors, shown when answered."""

from __future__ import annotations

import json
import time
from typing import Any

import pandas as pd
import streamlit as st

from schemas import topics
from schemas.clickhouse import Store
from schemas.queries import questions, spans
from ui import clock, data
from ui.data import literal
from ui.plain import visible

HOUR, DAY = 3600 * 10**9, 86_400 * 10**9
CURRENT, LONGEST = 7, 28  # days, as beside it of the distributions
PATIENCE = 60  # seconds after which a page says that nobody answers
ORDER = ("appeared", "grew", "shrank", "no change found")


def show(store: Store, project: str) -> dict[str, str]:
    """Draw it; the topic by trace where an answer is there, for the map."""
    st.subheader("Topics")
    first, last = spans.time_range(store, project)
    if not last:
        return {}
    end = (last // HOUR + 1) * HOUR  # by the hour, so that a look again is the same question
    start = max(first // HOUR * HOUR, end - LONGEST * DAY)
    split = end - min(CURRENT * DAY, (end - start) // 2)
    wanted = st.query_params.get("topics", "")
    st.caption(
        f"Clusters of the embeddings of inputs, found before {clock.said(split, '%m-%d %H:%M')} (up"
        f" to {LONGEST} days) and counted since; p-values permute sessions and are corrected for"
        " the number of topics.",
        help=clock.utc(split),
    )
    if st.button("Find topics", key="topics-ask", icon=":material/category:"):
        asked = topics.Ranges(start, split, end)
        wanted = st.query_params["topics"] = topics.ask(data.fresh(store), project, asked)
    return _await(store, project, wanted) if wanted else {}


def _await(store: Store, project: str, wanted: str) -> dict[str, str]:
    found = questions.question(store, project, wanted)
    if found is None:
        st.warning(literal(f"No question {visible(wanted, 64)} in project {project}."))
        return {}
    if found["status"] == "waiting":
        late = time.time() - found["asked_ms"] / 1000 > PATIENCE
        st.info("The monitors have not answered yet: are they running?" if late else "Searching …")
        _again(store, project, wanted)
        return {}
    said = json.loads(found["answer"])
    if found["status"] == "failed":
        st.warning(literal(visible(str(said.get("error", "")), 500)))
        return {}
    _table(said)
    return {str(k): str(v) for k, v in said["of"].items()}


@st.fragment(run_every=2)
def _again(store: Store, project: str, wanted: str) -> None:
    """Look until the answer is there, then draw the whole page: its map takes the topics on."""
    found = questions.question(store, project, wanted)
    if found is not None and found["status"] != "waiting":
        st.rerun(scope="app")


def _table(said: dict[str, Any]) -> None:
    rows = sorted(said["topics"], key=lambda row: (ORDER.index(row["verdict"]), -row["after"]))
    st.dataframe(
        pd.DataFrame(
            {
                "topic": visible(row["label"], 120),
                "what": row["verdict"],
                "before": f"{row['before']:.1%}",
                "since": f"{row['after']:.1%}",
                "change": f"{(row['after'] - row['before']) * 100:+.1f} points",
                "inputs since": row["n_after"],
                "p": f"{row['p_value']:.3g}",
            }
            for row in rows
        ),
        hide_index=True, column_config={"topic": st.column_config.TextColumn(width=260)},
    )  # fmt: skip
    st.caption(f"{said['n_before']:,} inputs before, {said['n_after']:,} since; topics"
               f" {said['version']}.")  # fmt: skip
