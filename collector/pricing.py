"""What a span cost: as it says itself, else by the prices that the library genai-prices carries.

Prices come with the installed release and are never fetched: the same span costs the same wherever
it is read, and the release is stored with the figure. Input tokens include cached ones and output
tokens reasoning ones, as OpenTelemetry's and OpenInference's conventions say.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genai_prices import Usage

SPAN, UNPRICED = "span", "unpriced"
LIBRARY = f"genai-prices {version('genai-prices')}"
# Spans of other kinds repeat the sums of the calls below them.
PRICED = frozenset({"", "LLM", "EMBEDDING", "RERANKER"})
# Names that conventions give providers, where the library has another one.
_PROVIDERS = {
    "openai.chat": "openai", "openai.responses": "openai", "az.ai.openai": "azure",
    "azure.ai.openai": "azure", "azure.ai.inference": "azure", "aws.bedrock": "aws",
    "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google", "vertexai": "google",
    "mistral_ai": "mistral", "x_ai": "x-ai", "xai": "x-ai",
}  # fmt: skip
# These pass calls on: the model is known by its own maker's price.
_PROXIES = frozenset({"", "litellm", "portkey", "helicone", "langchain"})
DAY_NS = 86_400 * 10**9


@lru_cache(maxsize=4096)
def _prices(model: str, provider: str, day: int) -> Any:
    """The prices of a model on a day since 1970; None where the library has none. A provider that
    it does not know may serve a known model for less or for nothing."""
    from genai_prices import Usage, calc_price  # all the prices there are: not at every start

    moment = datetime.fromtimestamp(day * 86_400, UTC)
    named = _PROVIDERS.get(provider.lower(), provider.lower())
    try:
        return calc_price(
            Usage(input_tokens=1), model, provider_id=None if named in _PROXIES else named,
            genai_request_timestamp=moment,
        ).model_price  # fmt: skip
    except LookupError:
        return None


def cost(row: dict[str, Any], start_ns: int) -> tuple[float, str]:
    """(US dollars, source) of a normalised span: the source is `span`, the library's release,
    `unpriced` where tokens were used and no price is known, "" where there is nothing to price."""
    if row.get("cost_usd"):
        return float(row["cost_usd"]), SPAN
    used_in, used_out = row.get("input_tokens", 0), row.get("output_tokens", 0)
    if not row.get("model") or not (used_in or used_out) or row.get("kind", "") not in PRICED:
        return 0.0, ""
    prices = _prices(row["model"], row.get("provider", ""), start_ns // DAY_NS)
    if prices is None:
        return 0.0, UNPRICED
    from genai_prices import Usage

    read = min(row.get("cache_read_tokens", 0), used_in)
    written = min(row.get("cache_write_tokens", 0), used_in - read)
    usage = Usage(input_tokens=used_in, output_tokens=used_out, cache_read_tokens=read,
                  cache_write_tokens=written)  # fmt: skip
    calculate: Callable[[Usage], dict[str, Any]] = prices.calc_price
    try:
        return float(calculate(usage)["total_price"]), LIBRARY
    except (ValueError, LookupError, TypeError):
        return 0.0, UNPRICED
