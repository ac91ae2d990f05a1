"""What real SDKs sent, recorded: nothing that Assay has a column for is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.sdks import planted as p
from bench.sdks.catalogue import SDKS
from bench.sdks.fields import FIELDS, LOST, PRESENT, rows, table
from bench.sdks.page import PAGE, page

GOLDEN = Path(__file__).parents[1] / "golden" / "sdks"
RECORDINGS = {path.stem: json.loads(path.read_text()) for path in sorted(GOLDEN.glob("*.json"))}


def test_every_sdk_of_the_catalogue_is_recorded() -> None:
    assert set(RECORDINGS) == {sdk.name for sdk in SDKS}


@pytest.mark.parametrize("name", RECORDINGS)
def test_no_field_that_an_sdk_sent_is_lost(name: str) -> None:
    found = table(RECORDINGS[name])
    assert [field for field, state in found.items() if state == LOST] == []
    for field in ("model", "messages in", "messages out", "input tokens", "errors"):
        assert found[field] == PRESENT


def test_a_field_that_no_rule_reads_counts_as_lost() -> None:
    """The table can fail: without its value in the columns a field that was sent is lost."""
    text = json.dumps(RECORDINGS["openinference_openai"]).replace('"llm.finish_reason"', '"other"')
    assert table(json.loads(text))["finish reason"] == LOST


@pytest.mark.parametrize("name", RECORDINGS)
def test_tool_calls_stand_side_by_side(name: str) -> None:
    for row in rows(RECORDINGS[name]):
        assert len(row.tool_names) == len(row.tool_arguments)
        assert len(row.tool_results) >= len(row.tool_result_ids)
        assert len(row.documents) == len(row.document_ids) == len(row.document_sources)
        assert len(row.documents) == len(row.document_scores)


def test_calls_of_models_are_costed_once() -> None:
    """Spans of agents and chains repeat the sums of the calls below them, and have no cost."""
    for recording in RECORDINGS.values():
        for row in rows(recording):
            if row.cost_usd:
                assert row.kind in {"LLM", "EMBEDDING"}
                assert row.input_tokens in {p.INPUT_TOKENS, 11}


def test_the_fields_cover_what_is_promised() -> None:
    assert len({field.name for field in FIELDS}) == len(FIELDS) == 26


def test_the_page_is_what_the_recordings_say() -> None:
    assert PAGE.read_text() == page(), "write it again: python -m bench.sdks.page"
