"""OTLP bodies: protobuf or JSON into request messages (OTLP specification 1.x)."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from schemas.errors import Permanent
from schemas.otlp import ID_KEYS
from schemas.otlp import to_json as to_json


def from_protobuf(body: bytes, message: type[Any]) -> Any:
    """Decode protobuf bytes as a request of that type. Raises Permanent."""
    try:
        return message.FromString(body)
    except DecodeError as error:
        raise Permanent(f"the body is not an {message.DESCRIPTOR.name}: {error}") from error


def _base64_ids(value: Any, depth: int = 0) -> Any:
    """OTLP/JSON writes ids as hex, protobuf's JSON mapping reads base64: convert first."""
    if depth > 120:
        raise Permanent("the JSON is nested too deeply")
    if isinstance(value, list):
        return [_base64_ids(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key in ID_KEYS and isinstance(item, str):
            try:
                result[key] = base64.b64encode(bytes.fromhex(item)).decode()
            except ValueError as error:
                raise Permanent(f"{key} {item[:40]!r} is not hexadecimal") from error
        else:
            result[key] = _base64_ids(item, depth + 1)
    return result


def from_json(body: bytes, message: type[Any]) -> Any:
    """Decode OTLP/JSON as a request of that type; unknown keys are ignored. Raises Permanent."""
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise Permanent("the JSON body is not an object")
        return json_format.ParseDict(_base64_ids(document), message(), ignore_unknown_fields=True)
    except (Permanent, MemoryError):
        raise
    except Exception as error:
        # The parser knows no closed list of what it raises; a body decides what comes of it alone.
        raise Permanent(f"the body is not OTLP/JSON: {str(error)[:300]}") from error
