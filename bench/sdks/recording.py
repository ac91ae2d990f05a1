"""From the OTLP requests that arrived to a small JSON file with stable ids, times and paths."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.sdks.fake import Received

MESSAGES = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
BEGIN = 1_767_225_600 * 10**9  # 2026-01-01: where a recording's first moment is moved to
_IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PATH = re.compile(r"/[^\s\"']*/(?=site-packages/|node_modules/|bench/|lib/python3)")
_ISO = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")
# Attributes that tell of the machine and not of the SDK.
_MACHINE = ("process.", "host.", "os.", "code.", "service.instance.id", "thread.", "server.port")
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_MOMENTS = ("langfuse.observation.completion_start_time",)  # ISO times that tell of the run
_LONGEST = 1500  # characters of a stack trace that are kept


def signal_of(path: str) -> str:
    """traces or logs; "" for what is neither."""
    last = path.rstrip("/").rpartition("/")[2]
    return last if last in MESSAGES else ""


def parse(received: Received) -> Any:
    message = MESSAGES[signal_of(received.path)]()
    if received.content_type == "application/json":
        raise ValueError("an SDK sent OTLP/JSON: read it as collector/otlp.py does")
    return message.FromString(received.body)


def _dictionary(message: Any) -> Any:
    return json_format.MessageToDict(message, use_integers_for_enums=True)


class _Stable:
    """Names and times as they first occur become the first, the second, ..."""

    def __init__(self, first_ns: int) -> None:
        self._shift = BEGIN - first_ns
        self._ids: dict[str, str] = {}
        self._uuids: dict[str, str] = {}

    def identity(self, value: str, size: int) -> str:
        number = len(self._ids) + 1
        return self._ids.setdefault(value, f"{number:0{2 * size}x}")

    def time(self, value: str) -> str:
        return str(int(value) + self._shift) if int(value) else value

    def _uuid(self, match: re.Match[str]) -> str:
        number = len(self._uuids) + 1
        return self._uuids.setdefault(match[0], f"00000000-0000-4000-8000-{number:012d}")

    def moment(self, value: str) -> str:
        return _ISO.sub(self._moment, value)

    def _moment(self, match: re.Match[str]) -> str:
        then = datetime.fromisoformat(match[0]).replace(tzinfo=UTC)
        return (then + timedelta(microseconds=self._shift / 1000)).isoformat()[:26]

    def text(self, value: str) -> str:
        for known, new in self._ids.items():
            value = value.replace(known, new)
        return _PORT.sub("8080", _UUID.sub(self._uuid, _PATH.sub("", value)))


def _scrub(value: Any, stable: _Stable) -> Any:
    if isinstance(value, list):
        kept = [v for v in value if not (isinstance(v, dict) and str(v.get("key", ""))
                .startswith(_MACHINE))]  # fmt: skip
        return [_scrub(v, stable) for v in kept]
    if not isinstance(value, dict):
        return stable.text(value) if isinstance(value, str) else value
    result: dict[str, Any] = {}
    for key, item in value.items():
        if key in _IDS:
            result[key] = stable.identity(base64.b64decode(item).hex(), _IDS[key])
        elif key.endswith("UnixNano"):
            result[key] = stable.time(item)
        else:
            result[key] = _scrub(item, stable)
    if result.get("key") in _MOMENTS:
        result["value"] = {"stringValue": stable.moment(result["value"]["stringValue"])}
    if result.get("key") == "exception.stacktrace":
        result["value"]["stringValue"] = result["value"]["stringValue"][-_LONGEST:]
    return result


def _times(value: Any) -> Iterator[int]:
    if isinstance(value, list):
        for item in value:
            yield from _times(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key.endswith("UnixNano") and int(item):
                yield int(item)
            else:
                yield from _times(item)


def recording(
    sdk: str, title: str, packages: Mapping[str, str], environment: Mapping[str, str],
    received: Sequence[Received],
) -> dict[str, Any]:  # fmt: skip
    """The document of tests/golden/sdks. Metrics are left out."""
    found = [(r, _dictionary(parse(r))) for r in received if signal_of(r.path)]
    stable = _Stable(min(_times([d for _, d in found])))
    requests = [
        {
            "path": r.path,
            "content_type": r.content_type,
            "authorization": r.authorization.partition(" ")[0],
            "body": _scrub(document, stable),
        }
        for r, document in found
    ]
    return {"sdk": sdk, "title": title, "packages": dict(packages),
            "environment": dict(environment), "requests": requests}  # fmt: skip


def written(document: Mapping[str, Any]) -> str:
    """As a file: one line per attribute, so that a diff shows what an SDK changed."""
    lines = json.dumps(document, indent=1, ensure_ascii=False)
    short = re.compile(r"\{\s+\"key\": (.*),\s+\"value\": \{\s+(\"\w+Value\": .*)\s+\}\s+\}")
    return short.sub(r'{"key": \1, "value": {\2}}', lines) + "\n"
