"""`assay import`: files of spans, logs, metrics and scores to a collector, with their own times.

It sends OTLP like any application, so redaction, deletions and the ledger hold, and a run that was
cut off can be repeated: what is stored already stays one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from assay.formats.base import Format, FormatError, Traces, documents, kind
from collector.signals.base import parts, project_of, projects
from schemas.registry import load
from schemas.retention import ALLOWED, ATTRIBUTE
from schemas.settings import Settings

_ANSWERS: dict[str, tuple[type[Any], str]] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
}
_NAMES = {"traces": "spans", "logs": "log records", "metrics": "points"}
_PROJECT = "openinference.project.name"
ITEMS = 2000  # of a request at most
PATIENCE = 600.0  # seconds that a collector may refuse for now


@dataclass(slots=True)
class Sent:
    """Items by signal; why some were not kept; the trace of each span."""

    kept: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    traces: Traces = field(default_factory=dict)


def formats() -> Mapping[str, Format]:
    """Every format by name."""
    return {name: made() for name, made in load("format", "assay.formats").items()}


def recognised(path: Path, known: Mapping[str, Format]) -> Format:
    """The format of a file, told by its first document. Raises FormatError."""
    first: Mapping[str, Any] = {}
    if kind(path) in {"", ".json", ".jsonl", ".ndjson", ".parquet"}:
        first = next(iter(documents(path)), {})
    for each in known.values():
        if each.recognises(path, first):
            return each
    raise FormatError(f"{path} is in none of the formats {', '.join(known)}; name one by --format")


def prepare(request: Any, project: str, days: str) -> None:
    """Put a request into a project ("": its own) under a retention ("": its project's)."""
    for group in (item for _, groups in request.ListFields() for item in groups):
        given = {_PROJECT: project, ATTRIBUTE: days}
        if project_of(group.resource) == project:
            del given[_PROJECT]
        for key, value in given.items():
            if not value:
                continue
            for old in [a for a in group.resource.attributes if a.key == key]:
                group.resource.attributes.remove(old)
            group.resource.attributes.add(key=key).value.string_value = value


def send(client: httpx.Client, signal: str, request: Any, sent: Sent) -> None:
    """One request, again while the collector says so. Raises FormatError for a refusal."""
    deadline, body = time.monotonic() + PATIENCE, request.SerializeToString()
    while True:
        try:
            answer = client.post(f"/v1/{signal}", content=body)
        except httpx.TransportError as error:
            raise FormatError(
                f"{client.base_url} does not answer ({error}): is the collector up? `assay up`"
            ) from error
        if answer.status_code not in {429, 502, 503, 504} or time.monotonic() > deadline:
            break
        time.sleep(min(30.0, float(answer.headers.get("retry-after", 1))))
    if answer.status_code != 200:
        said = "".join(c for c in answer.content.decode("utf-8", "replace") if c.isprintable())
        raise FormatError(f"the collector refuses with {answer.status_code}: {said}")
    message, name = _ANSWERS[signal]
    try:
        part = message.FromString(answer.content).partial_success
    except DecodeError as error:
        raise FormatError(f"{client.base_url} is not an OTLP endpoint: {error}") from error
    rejected = int(getattr(part, name))
    sent.kept[signal] += sum(projects(request).values()) - rejected
    if rejected:
        sent.rejected[part.error_message] += rejected


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Import the files; the exit code is 1 where something was not kept."""
    host = f"http://127.0.0.1:{settings.otlp_http_port}"
    key = arguments.key or os.environ.get("ASSAY_KEY", "")
    headers = {"content-type": "application/x-protobuf"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    if arguments.retention and arguments.retention not in {str(days) for days in ALLOWED}:
        print(f"assay: --retention takes one of {ALLOWED} days (0: for ever)", file=sys.stderr)
        return 2
    known, sent = formats(), Sent()
    if arguments.format and arguments.format not in known:
        print(f"assay: --format takes one of {', '.join(known)}", file=sys.stderr)
        return 2
    with httpx.Client(base_url=arguments.endpoint or host, headers=headers, timeout=60) as client:
        for name in arguments.files:
            path = Path(name)
            try:
                use = known[arguments.format] if arguments.format else recognised(path, known)
                _file(client, path, use, arguments, sent)
            except FormatError as error:
                print(f"assay: {error}", file=sys.stderr)
                _report(sent)
                return 1
    _report(sent)
    return int(bool(sent.rejected) or not sent.kept)


def _file(
    client: httpx.Client, path: Path, use: Format, arguments: argparse.Namespace, sent: Sent
) -> None:
    before = sum(sent.kept.values())
    for signal, request in use.read(
        path, arguments.project or path.name.partition(".")[0], sent.traces
    ):
        prepare(request, arguments.project, arguments.retention)
        for part in parts(request, ITEMS):
            send(client, signal, part, sent)
            if sys.stderr.isatty():
                print(f"\r{path.name}: {sum(sent.kept.values()) - before} sent", end="",
                      file=sys.stderr)  # fmt: skip
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(f"{path} ({use.name}): {sum(sent.kept.values()) - before} items")


def _report(sent: Sent) -> None:
    kept = ", ".join(f"{count} {_NAMES[signal]}" for signal, count in sorted(sent.kept.items()))
    print(f"kept: {kept or 'nothing'}")
    for reason, count in sent.rejected.most_common():
        print(f"not kept: {count}, the first because: {reason}", file=sys.stderr)
    if any("days" in reason for reason in sent.rejected):
        print("Old data needs a retention that reaches back to it: --retention 365, or 0 for ever.",
              file=sys.stderr)  # fmt: skip
