"""An engine's message becomes ClickHouse's code, text and HTTP status."""

from __future__ import annotations

import pytest

from schemas.store.errors import EngineError, refusal


def test_the_text_begins_with_the_code_once() -> None:
    wrapped = "Streaming query failed: Code: 73. DB::Exception: Code: 73. DB::Exception: Unknown"
    error = EngineError(wrapped)
    assert (error.code, str(error)) == (73, "Code: 73. DB::Exception: Unknown")
    assert EngineError("no code").code == 1002


@pytest.mark.parametrize(
    ("code", "status"), [(516, 403), (62, 400), (60, 404), (48, 501), (159, 408), (241, 500)]
)
def test_the_status_is_the_one_of_the_code(code: int, status: int) -> None:
    assert refusal(code, "x").status == status
