"""The token sequences by which a model may spell a label, after the rendered template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluators.judges.engine import Spelled

TAIL = 24  # characters of the prompt's end that a label is read after


def encode(tokenizer: Any, text: str) -> list[int]:
    """Tokens of a text as it stands: the template has the special ones already."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def spellings(tokenizer: Any, names: Sequence[str], ending: str) -> Spelled:
    """Every spelling of each label, with and without a space before it ('Yes' and ' Yes' are
    different tokens), as it is tokenised alone and behind `ending`, the end of the prompt: some
    tokenizers begin every text with a space of their own, which nothing follows a template with."""
    tail = ending[-TAIL:]
    before = encode(tokenizer, tail)
    found: dict[tuple[int, ...], str] = {}
    for name in names:
        for each in dict.fromkeys([name, name.lower(), name.upper(), name.capitalize()]):
            for said in (each, f" {each}"):
                alone = encode(tokenizer, said)
                behind = encode(tokenizer, tail + said)
                found.setdefault(tuple(alone), name)
                if behind[: len(before)] == before and len(behind) > len(before):
                    found.setdefault(tuple(behind[len(before) :]), name)
    return found
