"""Data sets: picked traces whose content is copied, in versions that are never changed."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.queries import datasets as queries
from schemas.queries import spans

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST = 2000  # traces that are picked at once
KEPT = ("model", "prompt_version", "service_version", "environment", "document_source")


@dataclass(frozen=True, slots=True)
class DatasetVersionRow:
    project: str
    dataset: str
    number: int
    draft: str
    items: int
    note: str
    author: str
    created_at: int


@dataclass(frozen=True, slots=True)
class DatasetItemRow:
    """`item` is the id of its trace, so that one picked twice stands there once."""

    project: str
    dataset: str
    draft: str
    item: str
    trace_id: str
    session_id: str
    input: str
    output: str
    documents: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


def add(
    store: Store, project: str, dataset: str, traces: Sequence[str], note: str, author: str
) -> tuple[DatasetVersionRow, list[str]]:
    """A new version: what the last one holds, and these traces; and the ids that are not there.

    Raises ControlError for a name that cannot be used, too many traces, none that is there, or
    where somebody made the same version meanwhile: then nothing changed.
    """
    if not NAME.fullmatch(dataset):
        raise ControlError(
            f"{dataset!r}: a data set's name is of letters, digits, and . _ - inside"
        )
    if len(traces) > MOST:
        raise ControlError(f"{len(traces)} traces are more than the {MOST} that are picked at once")
    draft, now = uuid.uuid4().hex, time.time_ns() // 10**6
    last = next(iter(queries.dataset_versions(store, project, dataset)), None)
    held = [
        DatasetItemRow(**{**row, "project": project, "dataset": dataset, "draft": draft})
        for row in (queries.dataset_items(store, project, dataset, last["draft"]) if last else [])
    ]
    there = {row.item for row in held}
    picked, missing = [], []
    for trace in dict.fromkeys(traces):
        found = spans.trace_spans(store, project, trace)
        if not found:
            missing.append(trace)
        elif trace not in there:
            picked.append(_item(project, dataset, draft, trace, found))
    if not picked:
        raise ControlError(
            "none of these traces can be added: they are not there, or in it already"
        )
    number = int(last["number"]) + 1 if last else 1
    rows = [*held, *picked]
    version = DatasetVersionRow(project, dataset, number, draft, len(rows), note, author, now)
    queries.insert_dataset_items(store, rows)
    queries.insert_dataset_version(store, [version], f"dataset/{project}/{dataset}/{number}")
    stored = next(iter(queries.dataset_versions(store, project, dataset)))
    if stored["draft"] != draft:
        raise ControlError(f"{stored['author']} made version {number} meanwhile: try again")
    return version, missing


def _item(
    project: str, dataset: str, draft: str, trace: str, found: Sequence[Mapping[str, Any]]
) -> DatasetItemRow:
    root = next((span for span in found if not span["parent_span_id"]), found[0])
    documents = list(dict.fromkeys(text for span in found for text in span["documents"]))
    metadata = {
        name: value for name in KEPT if (value := next((s[name] for s in found if s[name]), ""))
    }
    return DatasetItemRow(
        project, dataset, draft, trace, trace, root["session_id"], root["input"], root["output"],
        documents, metadata,
    )  # fmt: skip


def exported(rows: Sequence[Mapping[str, Any]]) -> str:
    """Items as JSON lines that `assay eval` reads: question, answer, documents, and the rest."""
    return "".join(
        json.dumps(
            {
                "id": row["item"], "trace_id": row["trace_id"], "session_id": row["session_id"],
                "question": row["input"], "answer": row["output"],
                "documents": list(row["documents"]), "metadata": dict(row["metadata"]),
            },
            ensure_ascii=False,
        )
        + "\n"
        for row in rows
    )  # fmt: skip
