"""Two projects in every table of a store, and a client that is signed in as one of them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from schemas.settings import Settings
from schemas.store import users
from schemas.store.vocabulary import TABLES

OWN = "own's \\ {project}"
SECRET = "SECRET7f3a"


def _fill(full: httpx.Client, table: str, project: str, value: str, rows: int) -> None:
    asked = full.post(
        "/", params={"param_t": table},
        content="SELECT name, type FROM system.columns WHERE database = 'assay' AND table = {t:String}"
        " AND default_kind IN ('', 'DEFAULT') FORMAT JSONCompact",
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


@pytest.fixture(scope="module")
def own(settings: Settings) -> Iterator[httpx.Client]:
    """A client that is the user of project OWN: 3 rows of numerals; the other's 5 hold SECRET."""
    base = f"http://127.0.0.1:{settings.store_port}"
    full_password = settings.password_file.read_text()
    user, password = users.add(settings.users_file, OWN)
    with httpx.Client(base_url=base, auth=("assay", full_password), timeout=60) as full:
        for table in sorted(TABLES):
            _fill(full, table, OWN, "1", 3)
            _fill(full, table, "other " + SECRET, SECRET, 5)
        full.post("/", content=f"CREATE VIEW assay.everything AS SELECT '{SECRET}' AS project")
        with httpx.Client(base_url=base, auth=(user.name, password), timeout=60) as client:
            yield client
        for table in sorted(TABLES):
            full.post("/", content=f"TRUNCATE TABLE assay.{table}")
        full.post("/", content="DROP VIEW assay.everything")
    users.remove(settings.users_file, OWN)
