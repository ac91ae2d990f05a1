"""What a format is, and what several of them need: JSON documents, times, ids, OTLP values."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas.otlp import fill as fill
from schemas.otlp import put as put

Document = Mapping[str, Any]
Traces = dict[str, bytes]  # trace id by span id, as a file writes it
Batch = tuple[str, Any]  # signal (traces, logs, metrics) and its OTLP request
ITEMS = 500  # of a request
RESULT = "gen_ai.evaluation.result"


class FormatError(ValueError):
    """A file cannot be read as this format; the message names the file, and says what to do."""


@dataclass(frozen=True, slots=True)
class Format:
    """`recognises(path, first)` sees a file's first JSON document, {} where it has none.

    `read(path, project, traces)` gives OTLP requests of at most ITEMS items, with times as the file
    has them; `project` is what a format without projects calls its resource; `traces` has the trace
    of each span that was read in this run, for files that name spans only. Raises FormatError.
    """

    name: str
    recognises: Callable[[Path, Document], bool]
    read: Callable[[Path, str, Traces], Iterator[Batch]]


def opened(path: Path) -> bytes:
    """A file's bytes, unpacked where it ends in .gz. Raises FormatError."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        raise FormatError(f"{path} cannot be read: {error}") from error


def kind(path: Path) -> str:
    """The file's ending in lower case, without .gz."""
    return Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()


def documents(path: Path) -> Iterator[Document]:
    """The JSON objects of a file: one a line, one list, one object, or the `data` of an answer.

    Raises FormatError that names the line.
    """
    if kind(path) == ".parquet":
        yield from _table(path)
        return
    text = opened(path)
    try:
        whole = json.loads(text)
    except ValueError:
        yield from _lines(path, text)
        return
    listed = whole.get("data", whole) if isinstance(whole, dict) else whole
    for one in listed if isinstance(listed, list) else [listed]:
        if not isinstance(one, dict):
            raise FormatError(f"{path}: {str(one)[:80]!r} is not a JSON object")
        yield one


def _lines(path: Path, text: bytes) -> Iterator[Document]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                one = json.loads(line)
            except ValueError as error:
                raise FormatError(f"{path}, line {number}, is not JSON: {error}") from error
            if not isinstance(one, dict):
                raise FormatError(f"{path}, line {number}, is not a JSON object")
            yield one


def _table(path: Path) -> Iterator[Document]:
    from pyarrow import ArrowInvalid, parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(1000):
                yield from batch.to_pylist()
    except (ArrowInvalid, OSError) as error:
        raise FormatError(f"{path} is not Parquet: {error}") from error


def ns(value: Any) -> int:
    """A time as nanoseconds since 1970: ISO 8601, a datetime, or a number in s, ms, us or ns, told
    by its size; 0 for none."""
    if isinstance(value, str) and value and not value.lstrip("-").isdecimal():
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return 0
    if isinstance(value, datetime):
        known = value if value.tzinfo else value.replace(tzinfo=UTC)
        whole = int(known.replace(microsecond=0).timestamp())
        return whole * 10**9 + known.microsecond * 1000 + int(getattr(value, "nanosecond", 0))
    try:
        number = float(value or 0)
    except (TypeError, ValueError):
        return 0
    scale = next((s for limit, s in ((1e11, 1e9), (1e14, 1e6), (1e17, 1e3)) if number < limit), 1)
    return int(value) if scale == 1 else int(number * scale)


def hexadecimal(value: Any, size: int) -> bytes:
    """An id of `size` bytes: as it is where it is one, a UUID's bytes, else a hash of it."""
    text = str(value).replace("-", "").lower()
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) == size and any(found):
        return found
    return hashlib.sha256(str(value).encode()).digest()[:size]


def text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def spans_of(made: Iterable[Any], project: str, scope: str) -> Iterator[Batch]:
    """Spans in requests."""
    for some in _batches(made):
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        put(group.resource.attributes, "service.name", project)
        inner = group.scope_spans.add()
        inner.scope.name = scope
        inner.spans.extend(some)
        yield "traces", request


def results_of(made: Iterable[Any], project: str, scope: str) -> Iterator[Batch]:
    """Log records of evaluation results in requests."""
    for some in _batches(made):
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        put(group.resource.attributes, "service.name", project)
        inner = group.scope_logs.add()
        inner.scope.name = scope
        inner.log_records.extend(some)
        yield "logs", request


def _batches(made: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(made)
    while some := list(islice(source, ITEMS)):
        yield some
