"""An HTTP client of the session's store, signed in as its user."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from schemas.settings import Settings


@pytest.fixture
def http(settings: Settings) -> Iterator[httpx.Client]:
    password = settings.password_file.read_text()
    base = f"http://127.0.0.1:{settings.store_port}"
    with httpx.Client(base_url=base, auth=("assay", password), timeout=30) as client:
        yield client
