"""What a rule is: a column, and the attributes that may fill it, first match wins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Convention:
    """One semantic convention as data.

    `mark` are attribute prefixes by which it is recognised; `columns` maps a column of SpanRow to
    attribute names; `kinds` maps the value of `kind_attribute` to a span kind; `documents` is an
    attribute of JSON documents, `documents_prefix` the flattened form. `inside` fills columns of
    numbers from an attribute of JSON: the sum of the members whose names match a pattern.
    """

    name: str
    mark: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    kind_attribute: str = ""
    kinds: dict[str, str] | None = None
    inside: dict[str, tuple[str, tuple[str, ...]]] | None = None
    documents: str = ""
    documents_prefix: str = ""
    messages_in: str = ""
    messages_out: str = ""
