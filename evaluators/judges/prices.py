"""What a call of an endpoint costs: by the policy's price, else by the library genai-prices."""

from __future__ import annotations

from collections.abc import Callable

Price = Callable[[int, int], float]


def price(url: str, model: str, given: tuple[float, float] | None) -> Price | None:
    """US dollars of (input tokens, output tokens); None where nobody knows. `given` is in dollars
    per million of either. The library knows a model only at its providers' own addresses: the same
    model on one's own server costs something else."""
    if given is not None:
        return lambda used_in, used_out: (used_in * given[0] + used_out * given[1]) / 1e6
    from genai_prices import Usage, calc_price

    def cost(used_in: int, used_out: int) -> float:
        usage = Usage(input_tokens=used_in, output_tokens=used_out)
        return float(calc_price(usage, model, provider_api_url=url).total_price)

    try:
        cost(1, 1)
    except (LookupError, ValueError, TypeError):
        return None
    return cost
