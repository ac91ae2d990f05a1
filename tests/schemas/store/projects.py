"""Rows of two projects for every table of a store."""

from __future__ import annotations

import httpx

OWN = "own's \\ {project}"
SECRET = "SECRET7f3a"


def fill(full: httpx.Client, table: str, project: str, value: str, rows: int) -> None:
    asked = full.post(
        "/", params={"param_t": table},
        content="SELECT name, type FROM system.columns WHERE database = 'assay'"
        " AND table = {t:String} AND default_kind IN ('', 'DEFAULT') FORMAT JSONCompact",
    )  # fmt: skip
    texts = [
        name for name, kind in asked.json()["data"]
        if kind in {"String", "LowCardinality(String)"} and name != "project"
    ]  # fmt: skip
    # A value of its own per row: a table that replaces equal keys keeps them all.
    chosen = ", ".join(f"{{v:String}} || toString(number) AS `{name}`" for name in texts)
    done = full.post(
        "/", params={"param_p": project, "param_v": value, "database": "assay"},
        content=f"INSERT INTO assay.{table} (project, {', '.join(f'`{t}`' for t in texts)})"
        f" SELECT {{p:String}} AS project, {chosen} FROM numbers({rows})",
    )  # fmt: skip
    assert done.status_code == 200, done.text
