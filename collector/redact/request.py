"""Every text of an OTLP request, of whichever signal: attributes, names, messages, bodies."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from collector.redact.secrets import TELLING
from collector.redact.text import REMEMBERED, Redactor

_TEXT, _MESSAGE = FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE
_PAIR, _ANY = "opentelemetry.proto.common.v1.KeyValue", "opentelemetry.proto.common.v1.AnyValue"
_NAMES = frozenset({"openinference.project.name", "service.name"})  # they say whose data it is
_CARD = 10**11  # the least integer that may be a card's number


def redact(group: Any, use: Redactor) -> None:
    """Redact a ResourceSpans, ResourceLogs or ResourceMetrics in place. Ids, times and the names
    of project and service stay."""
    if group.HasField("resource") and not use.passes(group.resource):
        _pairs(group.resource.attributes, use, _NAMES)
    for field, value in group.ListFields():
        if field.name != "resource" and field.type == _MESSAGE:
            for scoped in value:
                _scoped(scoped, use)


def _scoped(scoped: Any, use: Redactor) -> None:
    """The scope and each span, log record or metric: only what does not pass is looked through."""
    for field, value in scoped.ListFields():
        if field.type != _MESSAGE:
            continue
        for item in [value] if field.name == "scope" else value:
            if not use.passes(item):
                _message(item, use)


def _message(message: Any, use: Redactor) -> None:
    for field, value in message.ListFields():
        if field.type == _TEXT:
            if isinstance(value, str):
                found = use.text(value)
                if found is not value:
                    setattr(message, field.name, found)
            else:
                value[:] = [use.text(text) for text in value]
        elif field.type == _MESSAGE:
            kind = field.message_type.full_name
            if kind == _PAIR:
                _pairs(value, use)
            elif kind == _ANY:
                _value(value, use)
            elif hasattr(value, "ListFields"):
                _message(value, use)
            else:
                for item in value:
                    _message(item, use)


def _pairs(pairs: Any, use: Redactor, kept: frozenset[str] = frozenset()) -> None:
    secrets, names = use.secrets, use.names
    for pair in pairs:
        key = pair.key
        if key in kept:
            continue
        hidden = False
        if key not in names:
            hidden = secrets and TELLING.search(key) is not None
            if not hidden:
                found = use.text(key)
                if found is not key:
                    pair.key = found
                elif len(names) < REMEMBERED:
                    names.add(key)
        value = pair.value
        said = value.string_value
        if said and not hidden:
            found = use.text(said)
            if found is not said:
                value.string_value = found
        else:
            _value(value, use, hidden)


def _value(value: Any, use: Redactor, hidden: bool = False) -> None:
    which = value.WhichOneof("value")
    if which == "string_value":
        said = value.string_value
        found = use.whole(said) if hidden else use.text(said)
        if found is not said:
            value.string_value = found
    elif which == "array_value":
        for item in value.array_value.values:
            _value(item, use, hidden)
    elif which == "kvlist_value":
        if hidden:
            for pair in value.kvlist_value.values:
                _value(pair.value, use, True)
        _pairs(value.kvlist_value.values, use)
    elif which == "bytes_value":
        # As bytes of one character each: markers and what the rules look for are ASCII.
        said = value.bytes_value.decode("latin-1")
        found = use.whole(said) if hidden else use.text(said)
        if found is not said:
            value.bytes_value = found.encode("latin-1")
    elif which == "int_value" and (hidden or abs(value.int_value) >= _CARD):
        said = str(value.int_value)
        found = use.whole(said) if hidden else use.text(said)
        if found != said:
            value.string_value = found
