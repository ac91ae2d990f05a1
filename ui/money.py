"""What something cost, in words: what has no price is not free."""

from __future__ import annotations


def said(usd: float, priced: object, digits: int = 4) -> str:
    """US dollars, or that no price is known."""
    return f"$ {usd:,.{digits}f}" if priced else "no price"
