"""OTLP as processes share it: attribute values from Python, and requests as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from google.protobuf import json_format

ID_KEYS = frozenset({"traceId", "spanId", "parentSpanId"})


def put(attributes: Any, key: str, value: Any) -> None:
    """Add an attribute; nothing for None and empty text."""
    if value is not None and value != "":
        fill(attributes.add(key=key).value, value)


def fill(any_value: Any, value: Any) -> None:
    """Python to OTLP's AnyValue."""
    if isinstance(value, bool):
        any_value.bool_value = value
    elif isinstance(value, int) and -(2**63) <= value < 2**63:
        any_value.int_value = value
    elif isinstance(value, float):
        any_value.double_value = value
    elif isinstance(value, bytes):
        any_value.bytes_value = value
    elif isinstance(value, datetime | date):
        any_value.string_value = value.isoformat()
    elif isinstance(value, Mapping):
        any_value.string_value = json.dumps(value, ensure_ascii=False, default=str)
    elif isinstance(value, list | tuple):
        any_value.array_value.SetInParent()
        for item in value:
            fill(any_value.array_value.values.add(), item)
    else:
        any_value.string_value = str(value)


def to_json(request: Any) -> dict[str, Any]:
    """A request as OTLP/JSON: ids in hex, enums as numbers, keys in camelCase."""
    return dict(_hex_ids(json_format.MessageToDict(request, use_integers_for_enums=True)))


def _hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(item).hex() if key in ID_KEYS and isinstance(item, str)
        else _hex_ids(item)
        for key, item in value.items()
    }  # fmt: skip
