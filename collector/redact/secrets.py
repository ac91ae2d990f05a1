"""Secrets: keys by their vendors' form, what stands behind a telling name, and random tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from collector.redact.triggers import SPACE

_NAME = (
    r"passw(?:or)?d|passwd|passphrase|pwd|secret(?:[_-]?(?:access[_-]?)?key)?|client[_-]?secret"
    r"|(?:x[_-])?api[_-]?key|(?:access|auth|refresh|id|api|bearer|session)[_-]?token|private[_-]?key"
)
# A name whose value is a secret whatever it looks like: of an attribute, or of a key in JSON.
TELLING = re.compile(rf"(?:^|[._-])(?:{_NAME}|(?:proxy[_-])?authorization)$", re.IGNORECASE)
_BODY = r"(?:\\[nr]|[A-Za-z0-9+/=,:\s-])*?"
_ENDS = r"PRIVATE KEY(?: BLOCK)?-----"
_PEM = re.compile(
    rf"-----BEGIN [A-Z0-9 ]{{0,30}}{_ENDS}(?:{_BODY}-----END [A-Z0-9 ]{{0,30}}{_ENDS}"
    r"|(?:\\[nr]|[A-Za-z0-9+/=\s])*)"
)
_VENDORS = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|glpat-[A-Za-z0-9_-]{20,}|A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])|AIza[0-9A-Za-z_-]{35}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|whsec_[A-Za-z0-9+/=]{16,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{5,})"
)
_SK = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,}")
_BEARER = re.compile(r"\b(?:bearer|basic)\s{1,3}(?P<value>[A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE)
_URL = re.compile(r"://[^\s/:@\"'\\]{1,64}:(?P<value>[^\s/@\"'\\]{1,128})@")
_ASSIGNED = re.compile(
    rf"(?:{_NAME})[\"']?(?P<sign>\s{{0,3}}[=:]\s{{0,3}})[\"']?(?P<value>[^\s\"'\\&,;<>()]{{4,512}})",
    re.IGNORECASE,
)
_LONG = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{32,128}={0,2}(?![A-Za-z0-9+/_=-])")
_IDS = re.compile(r"(?:chatcmpl|call|toolu|msg|resp|run|thread|asst|file|req|fc|rs)[-_]")
_TEMPLATE = re.compile(r"[$\[{*%]|(?:none|null|true|false|xxxx|str|string|os\.environ)\b", re.I)


def _kind(character: str) -> int:
    return (
        0 if character.islower() else 1 if character.isupper() else 2 if character.isdigit() else 3
    )


def random(token: str) -> bool:
    """True for tokens that no person and no hash made: three classes of characters that change
    often. Hex (hashes, trace ids, UUIDs) has two; words and paths change seldom."""
    if _IDS.match(token) or len(set(token)) < 14:
        return False
    kinds = [_kind(character) for character in token]
    if not {0, 1, 2} <= set(kinds):
        return False
    return sum(a != b for a, b in pairwise(kinds) if 3 not in (a, b)) >= 0.28 * len(kinds)


def _sk(token: str) -> bool:
    """Kebab-case words begin with sk- too; keys hold digits."""
    return any(c.isdigit() for c in token) and (any(c.isupper() for c in token) or len(token) > 34)


def _digit(value: str) -> bool:
    return any(c.isdigit() for c in value)


def _assigned(value: str) -> bool:
    """A value, and no template, no name of a type and no word of a sentence."""
    return not _TEMPLATE.match(value) and (_digit(value) or not value.rstrip(".!?").isalpha())


def _given(value: str) -> bool:
    return not _TEMPLATE.match(value) and not value.startswith("/")


def _any(_value: str) -> bool:
    return True


_EQUALS = re.compile(
    rf"(?:{_NAME})=(?P<value>[^\s\"'\\&,;<>()]{{4,512}})", re.IGNORECASE
)  # where even a plain word is a value
Step = tuple[str, re.Pattern[str], Callable[[str], bool]]  # trigger, pattern, keep
# A telling name with what may stand behind it: an end, a sign, a quote, and 0x12, the tag of the
# value in an attribute's protobuf.
NAMED = (
    rf"(?i:{_NAME.replace('(?:x[_-])?', '')}|authorization)"
    rf"(?:[\"'\\\\\x12]|{SPACE}{{0,9}}[=:])"
)
PATTERNS: tuple[Step, ...] = (
    ("-----BEGIN", _PEM, _any),
    (
        r"gh[pousr]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{22}|glpat-[A-Za-z0-9_-]{20}"
        r"|A(?:KIA|SIA)[A-Z0-9]{16}|AIza[0-9A-Za-z_-]{35}|xox[abeoprs]-[A-Za-z0-9-]{10}"
        r"|xapp-[A-Za-z0-9-]{10}|[sr]k_(?:live|test)_[A-Za-z0-9]{16}|whsec_[A-Za-z0-9+/=\\]{16}"
        r"|hf_[A-Za-z0-9]{30}|npm_[A-Za-z0-9]{36}|eyJ[A-Za-z0-9_-]{8,}\.eyJ",
        _VENDORS,
        _any,
    ),
    ("sk-[A-Za-z0-9_-]{20}", _SK, _sk),
    (rf"(?i:bearer|basic){SPACE}{{1,9}}[A-Za-z0-9._~+/=\\-]{{16}}", _BEARER, _digit),
    (
        r":\\*/\\*/[^\s/:@\"'\\]+:[^\s/@\"'\\]+@",
        _URL,
        lambda value: not _TEMPLATE.match(value),
    ),
    (NAMED, _EQUALS, _given),
    (NAMED, _ASSIGNED, _assigned),
    (r"[A-Za-z0-9+/_\\-]{32}", _LONG, random),
)
