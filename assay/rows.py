"""Where `assay eval` takes its rows from: a file, or what a project stores.

A source gives rows in chunks, each with what an evaluator sees of it, or why nothing can be seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from evaluators.base import Result, failed
from evaluators.plan import Assignment
from evaluators.reading import sample
from evaluators.worker import texts
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.datasets import exported
from schemas.models import Sample
from schemas.queries import backfill
from schemas.queries import datasets as queries

CHUNK = 64  # rows; what was judged is written before the next are read
Row = tuple[dict[str, Any], Sample | Result]


@dataclass(frozen=True, slots=True)
class Source:
    """`total` None where it is not known before the end."""

    total: int | None
    chunks: Iterator[list[Row]]


def of_file(path: str, file: IO[bytes]) -> Source:
    """JSON lines. Raises OSError."""
    return Source(_count(path), (_read(lines) for lines in _chunks(file)))


def of_dataset(store: Store, project: str, name: str) -> Source:
    """The items of a data set's last version, or with NAME@N of version N. Raises ControlError
    where there is none, Retryable, Permanent."""
    dataset, _, number = name.partition("@")
    versions = {str(v["number"]): v for v in queries.dataset_versions(store, project, dataset)}
    found = versions.get(number) if number else next(iter(versions.values()), None)
    if found is None:
        known = [each["dataset"] for each in queries.dataset_names(store, project)]
        there = [f"{dataset}@{each}" for each in sorted(versions, key=int)] or known or ["none"]
        raise ControlError(f"{project} has no data set {name}; there is: {', '.join(there)}")
    items = queries.dataset_items(store, project, dataset, found["draft"])
    lines = list(enumerate(exported(items).encode().splitlines(), 1))
    parts = (lines[first : first + CHUNK] for first in range(0, len(lines), CHUNK))
    return Source(len(lines), (_read(part) for part in parts))


def of_project(
    store: Store, project: str, assignment: Assignment, start_ns: int, end_ns: int
) -> Source:
    """What began in [start, end) in a project at the level of the evaluator, oldest first."""
    level, kinds = assignment.level, assignment.kinds
    total = backfill.count(store, project, start_ns, end_ns, level, kinds)

    def chunks() -> Iterator[list[Row]]:
        for begin, end in backfill.slices(store, project, start_ns, end_ns):
            found = backfill.items(store, project, begin, end, level, kinds)
            for first in range(0, len(found), CHUNK):
                part = found[first : first + CHUNK]
                seen = texts(store, project, assignment, part)
                yield [
                    (_shown(one), one) for item in part
                    if (one := seen.get((item.trace_id, item.span_id))) is not None
                ]  # fmt: skip

    return Source(total, chunks())


def _shown(sample: Sample) -> dict[str, Any]:
    """A stored item as a row of a file, by the names that files use."""
    row: dict[str, Any] = {
        "trace_id": sample.trace_id, "span_id": sample.span_id, "session_id": sample.session_id,
        "question": sample.question, "answer": sample.answer, "context": list(sample.documents),
    }  # fmt: skip
    if sample.tools:
        row["tools"] = [
            {"name": call.name, "arguments": call.arguments, "failed": call.failed,
             "schema": call.schema}
            for call in sample.tools
        ]  # fmt: skip
    return row


def _count(path: str) -> int | None:
    if path == "-":
        return None
    with open(path, "rb") as file:
        return sum(bool(line.strip()) for line in file)


def _chunks(source: IO[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered lines, CHUNK at a time; empty lines are no rows."""
    held: list[tuple[int, bytes]] = []
    for number, line in enumerate(source, 1):
        if line.strip():
            held.append((number, line))
        if len(held) == CHUNK:
            yield held
            held = []
    if held:
        yield held


def _read(lines: Sequence[tuple[int, bytes]]) -> list[Row]:
    """The rows of the lines with what is seen of them, in order."""
    rows: list[Row] = []
    for number, line in lines:
        row: Any = {"line": number}
        seen: Sample | Result
        try:
            row = json.loads(line.decode("utf-8-sig"))
            if not isinstance(row, dict):
                row = {"line": number}
                raise ValueError("not a JSON object")
            seen = sample(row, number)
        except UnicodeDecodeError:
            seen = failed("not UTF-8")
        except json.JSONDecodeError as error:
            seen = failed(f"not JSON: {error.msg} at character {error.pos}")
        except (ValueError, RecursionError) as error:
            seen = failed(str(error))
        rows.append((row, seen))
    return rows
