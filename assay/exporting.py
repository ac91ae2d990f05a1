"""`assay export`: a project's spans or scores of a range of time, as OTLP/JSON lines or Parquet."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
from pyarrow import parquet

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.openinference import request
from schemas.otlp import to_json
from schemas.queries import export
from schemas.queries.spans import time_range
from schemas.settings import Settings

_TYPES: dict[type[Any], pa.DataType] = {
    int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_(),
    datetime: pa.timestamp("ns", "UTC"), dict: pa.map_(pa.string(), pa.string()),
}  # fmt: skip
_NUMBERS = {"document_scores": pa.list_(pa.float64())}


class ExportError(ValueError):
    """It cannot be done as asked; the message says what to do."""


def moment(text: str, now: datetime) -> int:
    """ISO 8601 (UTC where it names no zone), or `7d`, `12h`, `30m` before now, in ns.

    Raises ExportError.
    """
    units = {"d": "days", "h": "hours", "m": "minutes"}
    if text[:-1].isdecimal() and text[-1] in units:
        at = now - timedelta(**{units[text[-1]]: int(text[:-1])})
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise ExportError(
                f"{text!r} is no time: 2026-11-01T12:00, or 7d for 7 days ago"
            ) from None
    known = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(known.replace(microsecond=0).timestamp()) * 10**9 + known.microsecond * 1000


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write the file; the exit code."""
    now = datetime.now(UTC)
    try:
        start, end = moment(arguments.since, now), moment(arguments.until or now.isoformat(), now)
        if arguments.format == "otlp-json" and arguments.what != "spans":
            raise ExportError("OTLP/JSON holds spans; scores go to Parquet: --format parquet")
        if arguments.format == "parquet" and arguments.output == "-":
            raise ExportError("Parquet needs a file: --output spans.parquet")
        store = clickhouse.connect(settings)
        if time_range(store, arguments.project) == (0, 0):
            raise ExportError(
                f"there is no project {arguments.project!r}; `assay usage` names them"
            )
        count = _write(store, arguments, start, end)
        store.close()
    except (ExportError, Retryable, Permanent, OSError) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    print(f"{count} {arguments.what} written to {arguments.output}", file=sys.stderr)
    return 0


def _write(store: Store, arguments: argparse.Namespace, start: int, end: int) -> int:
    pieces = _pieces(store, arguments.project, arguments.what, start, end)
    if arguments.format == "otlp-json":
        if arguments.output == "-":
            return _lines(pieces, sys.stdout)
        with _draft(arguments.output) as draft, draft.open("w") as file:
            return _lines(pieces, file)
    with _draft(arguments.output) as draft:
        return _table(pieces, draft)


@contextmanager
def _draft(name: str) -> Iterator[Path]:
    """A file beside the wanted one that takes its place at the end, so that none is half done."""
    path = Path(name)
    draft = path.with_name(f".{path.name}.{time.time_ns()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _pieces(
    store: Store, project: str, what: str, start: int, end: int
) -> Iterator[list[dict[str, Any]]]:
    if what == "scores":
        yield export.scores_between(store, project, start, end)
        return
    for begin, stop in export.cuts(store, project, start, end):
        yield list(export.spans_between(store, project, begin, stop))


def _lines(pieces: Iterator[list[dict[str, Any]]], file: TextIO) -> int:
    """One request a line, which `assay import` and the OpenTelemetry Collector read."""
    count = 0
    for rows in pieces:
        if rows:
            file.write(json.dumps(to_json(request(rows)), ensure_ascii=False) + "\n")
            count += len(rows)
    return count


def _type(name: str, values: list[Any]) -> pa.DataType:
    if name in _NUMBERS:
        return _NUMBERS[name]
    value = next((v for v in values if v is not None), "")
    return pa.list_(pa.string()) if isinstance(value, list | tuple) else _TYPES[type(value)]


def _table(pieces: Iterator[list[dict[str, Any]]], path: Path) -> int:
    """Columns as they are stored, texts beside them."""
    count, writer, schema = 0, None, None
    try:
        for rows in pieces:
            if not rows:
                continue
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            if schema is None:
                schema = pa.schema([(n, _type(n, v)) for n, v in columns.items()])
                writer = parquet.ParquetWriter(path, schema, compression="zstd")
            values = {
                n: [list(v.items()) for v in c] if c and isinstance(c[0], dict) else c
                for n, c in columns.items()
            }
            writer.write_table(pa.table(values, schema=schema))  # type: ignore[union-attr]
            count += len(rows)
    finally:
        if writer is not None:
            writer.close()
    if schema is None:
        parquet.write_table(pa.table({"trace_id": pa.array([], pa.string())}), path)
    return count
