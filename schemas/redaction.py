"""Redaction policies as plain checked data; `collector/redact` carries them out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

RULES = ("secrets", "email", "card", "iban", "ip", "phone")
MODES = ("marker", "hash")
LONGEST = 500  # characters of a pattern


@dataclass(frozen=True, slots=True)
class RedactionPolicy:
    """What is taken out of one project's data before it is written.

    `rules` are names of RULES, `patterns` maps marker names to regular expressions; `mode` says
    whether a marker also carries a salted hash, so that equal values stay equal; `presidio`, where
    it is not empty, has Microsoft Presidio look too: `model` (of spaCy, "" for patterns only),
    `entities` (none named: all but times, addresses of pages and ids) and `score` (0 to 1).
    """

    enabled: bool = True
    rules: tuple[str, ...] = ("secrets", "card")
    mode: str = "marker"
    patterns: Mapping[str, str] = field(default_factory=dict)
    presidio: Mapping[str, Any] = field(default_factory=dict)


def checked(name: str, value: Any, place: str) -> Any:
    """The value of a field of the policy. Raises ValueError that names `place`."""
    if name == "presidio":
        return _presidio(value, place)
    if name == "mode":
        if value not in MODES:
            raise ValueError(f"{place}: {value!r} must be one of {', '.join(MODES)}")
        return value
    if name == "rules":
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise ValueError(f"{place}: {value!r} must be a list of names")
        for rule in value:
            if rule not in RULES:
                raise ValueError(f"{place}: {rule!r} is not known; there are: {', '.join(RULES)}")
        return tuple(value)
    if not isinstance(value, dict):
        raise ValueError(f"{place}: {value!r} must map names to regular expressions")
    for label, pattern in value.items():
        at = f"{place}.{label}"
        if not isinstance(label, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]{0,31}", label):
            raise ValueError(f"{at}: a name is made of capitals, digits and _")
        if why := fault(pattern):
            raise ValueError(f"{at}: {pattern!r} {why}")
    return dict(value)


def _presidio(value: Any, place: str) -> dict[str, Any]:
    kinds = {"model": str, "entities": list, "score": int | float}
    if not isinstance(value, dict):
        raise ValueError(f"{place}: {value!r} must map {', '.join(kinds)} to settings")
    for name, given in value.items():
        if name not in kinds:
            raise ValueError(f"{place}.{name} is not known; there are: {', '.join(kinds)}")
        if not isinstance(given, kinds[name]) or isinstance(given, bool):
            raise ValueError(f"{place}.{name}: {given!r} is not what it takes")
    if not 0 <= value.get("score", 0.5) <= 1:
        raise ValueError(f"{place}.score: {value['score']!r} must be a number from 0 to 1")
    if not all(isinstance(e, str) and e.isupper() for e in value.get("entities", [])):
        raise ValueError(f"{place}.entities must be names as Presidio writes them: PERSON, US_SSN")
    return {"model": "", "score": 0.5, **value}


def fault(pattern: Any) -> str:
    """Why a regular expression cannot be used; "" if it can."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST:
        return f"must be a regular expression of at most {LONGEST} characters"
    try:
        if re.compile(pattern).match(""):
            return "matches nothing at all, and so everywhere"
        tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression: {error}"
    if _explodes(tree, False):
        return "repeats a repetition or a choice: a long text could take it for ever"
    return ""


def _explodes(tree: Any, repeated: bool) -> bool:
    """True where an open repetition holds another repetition or a choice."""
    for code, given in tree:
        repeats = code in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}
        if repeated and (code is _constants.BRANCH or (repeats and given[1] > 1)):
            return True
        inside = repeated or (repeats and given[1] > 16)
        if any(_explodes(inner, inside) for inner in _inner(given)):
            return True
    return False


def _inner(given: Any) -> list[Any]:
    """The patterns within one step of a parsed pattern."""
    if isinstance(given, _parser.SubPattern):
        return [given]
    if isinstance(given, list | tuple):
        return [found for part in given for found in _inner(part)]
    return []
