"""What a webhook sends in place of the message, for receivers with a form of their own.

The template is JSON, and names are put into its texts after it was parsed: whatever a value holds,
quotes, line ends or $ signs, the result is JSON of the same shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from string import Template
from typing import Any

from monitors.alerts.message import Message, segment_text


def _item(value: Mapping[str, Any]) -> str:
    """A trace by its address, an alert of a group by its words as well."""
    return " ".join(value[n] for n in ("title", "summary", "url") if value.get(n))


def _words(value: Any) -> str:
    """A value within a text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return segment_text(value)
    if isinstance(value, list | tuple):
        parts = (_item(v) if isinstance(v, Mapping) else _words(v) for v in value)
        return " ".join(parts)
    return str(value)


def _filled(part: Any, values: Mapping[str, Any], words: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value, values, words) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values, words) for value in part]
    if not isinstance(part, str):
        return part
    if part.startswith("$") and part[1:] in values:
        return values[part[1:]]
    return Template(part).safe_substitute(words)


def render(template: str, message: Message) -> str:
    """The JSON text to send, the same on every call. A text that is a name alone becomes the value
    itself: a number, a list, an object, or null. Raises ValueError where the template is no JSON,
    which `assay apply` has refused."""
    values = asdict(message)
    words = {name: _words(value) for name, value in values.items()}
    return json.dumps(_filled(json.loads(template), values, words), allow_nan=False)
