"""What a rule is: a column, and the attributes that may fill it, first match wins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """Attributes of a span that is a tool call; what is not named is the span's name, input and
    output."""

    name: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    result: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Convention:
    """One semantic convention as data.

    `mark` are attribute prefixes by which it is recognised; of several, a `general` one names the
    span last. `columns` maps a column of SpanRow to attribute names; `kinds` maps the value of
    `kind_attribute` to a span kind. `inside` fills columns from an attribute of JSON: the sum of
    the members (`a.b` for nested ones) whose names match a pattern. `documents` is an attribute of
    JSON documents, `documents_prefix` the flattened form.

    `messages_in` and `messages_out` are attributes with JSON of chat messages or, ending in a dot,
    prefixes of flattened ones; the first that holds messages wins. `system` are system prompts
    beside them. `calls` are attributes with JSON of tool calls beside the output. `first_token`
    maps attributes to the nanoseconds in their unit, 0 for a moment as ISO 8601;
    `first_token_events` are names of span events whose first tells the same.
    """

    name: str
    mark: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    kind_attribute: str = ""
    kinds: dict[str, str] | None = None
    inside: dict[str, tuple[str, tuple[str, ...]]] | None = None
    documents: str = ""
    documents_prefix: str = ""
    messages_in: tuple[str, ...] = ()
    messages_out: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    tool: Tool | None = None
    first_token: dict[str, int] | None = None
    first_token_events: tuple[str, ...] = ()
    general: bool = False
