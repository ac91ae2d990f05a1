"""A connection that is kept goes on after an error with another one."""

from __future__ import annotations

import os
import subprocess
import sys

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


STORES = """
import sys, time
from schemas import clickhouse, settings
from schemas.models import SpanRow
from schemas.queries import spans
clickhouse.without_frames()
store = clickhouse.connect(settings.from_environment())
spans.insert_spans(store, [SpanRow("slim", "a" * 32, "b" * 16, time.time_ns())], "slim")
print(spans.count_spans(store, "slim"), "pandas" in sys.modules)
"""


def test_a_process_of_ours_stores_rows_without_pandas(settings: Settings) -> None:
    environ = {**os.environ, "ASSAY_HOME": str(settings.home),
               "ASSAY_STORE_PORT": str(settings.store_port)}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", STORES], env=environ, capture_output=True)
    assert done.stdout.split() == [b"1", b"False"], done.stderr
