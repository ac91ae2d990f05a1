"""What something cost, in words: what has no price is not free, nor is a thousandth of a cent."""

from __future__ import annotations

import math


def said(usd: float, priced: object, digits: int = 4) -> str:
    """US dollars, with more `digits` where these are 0, or that no price is known."""
    if not priced:
        return "no price"
    return f"$ {usd:,.{max(digits, places(usd)) if usd > 0 else digits}f}"


def places(value: float) -> int:
    """Decimals that show two digits of a value, 2 to 9, and 5 where there is none above 0."""
    if not math.isfinite(value) or value <= 0:
        return 5
    return min(9, max(2, 1 - math.floor(math.log10(value))))
