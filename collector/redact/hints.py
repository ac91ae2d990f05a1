"""Cheap questions that spare clean text the patterns; measured by `python -m bench.redact`."""

from __future__ import annotations

_TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/"
_CLASSES = bytes(97 if byte in _TOKEN else 32 for byte in range(256))
_NOT_DIGITS = bytes(byte for byte in range(256) if not 48 <= byte <= 57)
SHORTEST = 16  # characters of the shortest secret that is known by its form


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def has_token(text: str, least: int = SHORTEST) -> bool:
    """True where so many characters of a token (letters, digits and _-+/) stand together."""
    return len(text) >= least and b"a" * least in _bytes(text).translate(_CLASSES)


def has_digits(text: str, least: int) -> bool:
    """True where a text holds so many digits, together or not."""
    return len(text) >= least and len(_bytes(text).translate(None, _NOT_DIGITS)) >= least


_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))


def has_number(text: str, least: int) -> bool:
    """True where so many digits stand together, but for spaces and hyphens."""
    return len(text) >= least and b"0" * least in _bytes(text).translate(_DIGITS, b" -")
