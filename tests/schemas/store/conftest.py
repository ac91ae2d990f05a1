"""An HTTP client of the session's store, signed in as its user."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from schemas.settings import Settings
from schemas.store import users
from schemas.store.vocabulary import TABLES
from tests.schemas.store.projects import OWN, SECRET, fill


@pytest.fixture
def http(settings: Settings) -> Iterator[httpx.Client]:
    password = settings.password_file.read_text()
    base = f"http://127.0.0.1:{settings.store_port}"
    with httpx.Client(base_url=base, auth=("assay", password), timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def own(settings: Settings) -> Iterator[httpx.Client]:
    """A client that is the user of project OWN: 3 rows of numerals; the other's 5 hold SECRET."""
    base = f"http://127.0.0.1:{settings.store_port}"
    full_password = settings.password_file.read_text()
    user, password = users.add(settings.users_file, OWN)
    with httpx.Client(base_url=base, auth=("assay", full_password), timeout=60) as full:
        for table in sorted(TABLES):
            fill(full, table)
        full.post("/", content=f"CREATE VIEW assay.everything AS SELECT '{SECRET}' AS project")
        with httpx.Client(base_url=base, auth=(user.name, password), timeout=60) as client:
            yield client
        for table in sorted(TABLES):
            full.post("/", content=f"TRUNCATE TABLE assay.{table}")
        full.post("/", content="DROP VIEW assay.everything")
    users.remove(settings.users_file, OWN)
