"""Rows of two projects for every table of a store."""

from __future__ import annotations

import httpx

OWN = "own's \\ {project}"
SECRET = "SECRET7f3a"


def fill(full: httpx.Client, table: str) -> None:
    """Put 3 rows of OWN, whose texts are 10, 11 and 12, and 5 of another project in a table.

    All in one INSERT: in parts of their own, the index alone would keep them apart.
    """
    asked = full.post(
        "/", params={"param_t": table},
        content="SELECT name, type FROM system.columns WHERE database = 'assay'"
        " AND table = {t:String} AND default_kind IN ('', 'DEFAULT') FORMAT JSONCompact",
    )  # fmt: skip
    texts = [
        f"`{name}`" for name, kind in asked.json()["data"]
        if name != "project"
        and kind in {"String", "LowCardinality(String)", "SimpleAggregateFunction(anyLast, String)"}
    ]  # fmt: skip
    # A day that is not given is past its time to live, and the row would be gone.
    days = [
        f"`{name}`" for name, kind in asked.json()["data"]
        if kind == "Date" or name in {"span_start", "asked_at"}
    ]  # fmt: skip
    values = ", ".join(
        f"if(number < 3, '1', '{SECRET}') || toString(number) AS {name}" for name in texts
    )
    values += "".join(f", today() AS {name}" for name in days)
    done = full.post(
        "/", params={"param_own": OWN.replace("\\", "\\\\"), "database": "assay"},
        content=f"INSERT INTO {table} (project, {', '.join(texts + days)}) SELECT"
        f" if(number < 3, {{own:String}}, 'zother{SECRET}') AS project, {values} FROM numbers(8)",
    )  # fmt: skip
    assert done.status_code == 200, done.text
