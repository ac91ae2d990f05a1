"""What an endpoint can do: found by asking, remembered, and given up step by step on a 400."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

LOGPROBS, SCHEMA, TEXT = "logprobs", "schema", "text"
MODES = (LOGPROBS, SCHEMA, TEXT)


@dataclass(frozen=True, slots=True)
class Capability:
    """How a request is put: `mode` is how the verdict is read, the rest which fields it has."""

    mode: str = LOGPROBS
    temperature: bool = True
    limit: str = "max_tokens"  # the name of the field that ends a reply, '' for none
    system: bool = True  # a message of the role system


def weaker(now: Capability, said: str, pinned: bool) -> Iterator[Capability]:
    """What to try after a server refused `now` with these words, the likeliest first. With a
    pinned mode only the other fields are given up."""
    lower = said.lower()
    tried = []
    if now.limit == "max_tokens" and "max_tokens" in lower:
        tried.append(replace(now, limit="max_completion_tokens"))
    elif now.limit and now.limit in lower:
        tried.append(replace(now, limit=""))
    if now.temperature and "temperature" in lower:
        tried.append(replace(now, temperature=False))
    if now.system and "system" in lower and "role" in lower:
        tried.append(replace(now, system=False))
    if not pinned and now.mode != TEXT:
        tried.append(replace(now, mode=MODES[MODES.index(now.mode) + 1]))
    if now.limit == "max_tokens":
        tried.append(replace(now, limit="max_completion_tokens"))
    if now.temperature:
        tried.append(replace(now, temperature=False))
    yield from dict.fromkeys(tried)
