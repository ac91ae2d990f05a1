"""A connection that is kept goes on after an error with another one."""

from __future__ import annotations

import pytest

from schemas.clickhouse import Kept
from schemas.errors import Permanent
from schemas.settings import Settings


def test_a_kept_connection_is_the_same_until_an_error(settings: Settings) -> None:
    kept = Kept(settings)
    with kept.store() as first:
        assert first.rows("SELECT 1 AS one") == [{"one": 1}]
    with kept.store() as second:
        assert second is first
    with pytest.raises(Permanent), kept.store() as broken:
        broken.rows("SELECT nothing FROM nowhere_at_all WHERE")
    with kept.store() as third:
        assert third is not first
        assert third.rows("SELECT 2 AS two") == [{"two": 2}]
