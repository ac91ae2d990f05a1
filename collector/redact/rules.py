"""Rules: what is looked for in a text, and which matches count."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from collector.redact import secrets
from collector.redact.triggers import START

Match = re.Match[str]
_CARD = re.compile(r"(?<![\w.-])[0-9](?:[ -]?[0-9]){11,18}(?![\w]|[.-][0-9])")
_BRANDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[0-8]|2[2-7])\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14}"
    r"|6(?:011|2|4|5)\d{10,16}|(?:50|56|57|58|6\d)\d{10,17}"
)
_IBANS = (
    re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}[A-Za-z0-9]{11,30}(?![A-Za-z0-9])"),
    re.compile(
        r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?(?![A-Za-z0-9])"
    ),
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.!#$%&*+^~-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_V4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\w|\.[0-9])")
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.[0-9])")
_PHONE = re.compile(
    r"(?<![\w.,:/$€£+-])(?:\+ ?)?(?:\([0-9]{1,4}\)|[0-9]{1,4})"
    r"(?:[ .-]?(?:\([0-9]{1,4}\)|[0-9]{2,5})){1,5}"
    r"(?:(?: ?x| ?ext\.? ?)[0-9]{1,6})?(?![\w%]|[.,:/-][0-9])"
)
_DATE = re.compile(
    r"[0-9]{4}[-. ][01]?[0-9][-. ][0-3]?[0-9]|[0-3]?[0-9][-. ][01]?[0-9][-. ][0-9]{4}"
)
_SSN = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Rule:
    """Steps of (trigger, pattern, keep): the trigger (see triggers.py) is cheap and never silent
    where the pattern matches, "" has none; `keep` confirms a match.

    What is replaced is the match's group `value` where the pattern has one, else all of it.
    """

    name: str
    label: str
    steps: tuple[secrets.Step, ...]


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def card(text: str) -> bool:
    """A card's length and first digits, and its check digit (Luhn)."""
    digits = _digits(text)
    if not _BRANDS.fullmatch(digits) or len(set(digits)) < 2:
        return False
    doubled = [int(d) * 2 for d in digits[-2::-2]]
    return (sum(map(int, digits[::-2])) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: 15 to 34 characters, and 1 modulo 97."""
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def address(text: str) -> bool:
    """An IP address; `::` alone is more often code than an address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return len(text) > 2


def phone(text: str) -> bool:
    """7 to 15 digits in groups or with a plus, and neither a date, a year list nor an ISBN."""
    number = re.split(r" ?(?:x|ext)", text)[0]
    digits = _digits(number)
    if not 7 <= len(digits) <= 15 or _DATE.fullmatch(number) or _SSN.fullmatch(number):
        return False
    if number.startswith("+"):
        return True
    groups = re.findall(r"[0-9]+", number)
    if len(groups) < 2 or (len(digits) == 13 and groups[0] in {"978", "979"}) or address(number):
        return False
    return not all(len(g) == 4 and g[0] in "12" for g in groups)


def always(_text: str) -> bool:
    return True


_DIGITS = START + r"(?:\+ ?)?\(?[0-9](?:[ .()-]{0,3}[0-9]){6}"
_ALNUM = r"[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]){11}"


def _rules() -> list[Rule]:
    return [
        Rule("secrets", "SECRET", secrets.PATTERNS),
        Rule("email", "EMAIL", (("@|%40", _EMAIL, always),)),
        Rule("iban", "IBAN", tuple((_ALNUM, pattern, iban) for pattern in _IBANS)),
        Rule("card", "CARD", ((START + r"[2-6](?:[ -]?[0-9]){11}", _CARD, card),)),
        Rule(
            "ip",
            "IP",
            ((r"(?:[0-9]{1,3}\.){3}[0-9]", _V4, address),
             (r":[0-9A-Fa-f]{0,4}:", _V6, address)),
        ),
        Rule("phone", "PHONE", ((_DIGITS, _PHONE, phone),)),
    ]  # fmt: skip


def rules() -> Mapping[str, Rule]:
    """Every rule by name, in the order in which they are applied."""
    return {rule.name: rule for rule in _rules()}


def custom(label: str, pattern: str) -> Rule:
    """A rule of a policy's own pattern."""
    return Rule(label.lower(), label, (("", re.compile(pattern), bool),))
