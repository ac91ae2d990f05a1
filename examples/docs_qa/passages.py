"""Python's own documentation topics, cut into passages; they come with the standard library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pydoc_data.topics import topics

LONGEST = 700  # characters of a passage
PER_TOPIC = 4


@dataclass(frozen=True, slots=True)
class Passage:
    id: str
    topic: str
    text: str


def passages() -> list[Passage]:
    """The first PER_TOPIC passages of every topic: whole paragraphs, up to LONGEST characters."""
    return [
        Passage(f"{name}-{number}", name, text)
        for name in sorted(topics)
        for number, text in enumerate(_cut(topics[name])[:PER_TOPIC])
    ]


def _cut(text: str) -> list[str]:
    result: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        words = " ".join(line for line in paragraph.split() if set(line) - set("*=-~^"))
        if result and len(result[-1]) + len(words) < LONGEST:
            result[-1] += "\n" + words
        elif words:
            result.append(words[:LONGEST])
    return result
