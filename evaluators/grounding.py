"""What speaks for and against an answer: alignment features and the encoder's view of each of
its sentences, against the passages that speak to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluators import features
from evaluators.evidence import Documents, Passage, documents, evidence, split
from evaluators.framing import unframed

FRAGMENT_WORDS = 5  # an answer of at most as many words is read after its question
LIMIT = 3.0  # logits are cut here: beyond, they only say that the training pairs were easy
NAMES = (*features.NAMES, "encoder", "weakest_piece")


class Views(Protocol):
    """(evidence, claim) pairs to two logits each; `evaluators.judges.encoder.Encoder`."""

    def views(self, texts: Sequence[tuple[str, str]]) -> NDArray: ...  # type: ignore[type-arg]


@dataclass(frozen=True, slots=True)
class Part:
    """The answer or one of its sentences: values in the order of NAMES, the passage that holds
    most of it (None without documents), and the words that no passage holds."""

    text: str
    values: tuple[float, ...]
    passage: Passage | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The whole answer, its sentences in order, and the passages that were not read."""

    whole: Part
    sentences: tuple[Part, ...]
    left_out: tuple[tuple[Passage, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """What is read: an answer, the question that it answers ('' if none) and its documents."""

    question: str
    answer: str
    documents: tuple[str, ...]


def statement(question: str, answer: str) -> str:
    """The answer, after its question where it is too short to state anything by itself."""
    short = len(answer.split()) <= FRAGMENT_WORDS and question.rstrip().endswith("?")
    return f"{question} {answer}" if short else answer


def read(items: Sequence[Item], encoder: Views, idf: Mapping[str, float]) -> list[Reading]:
    """One Reading per item, in order; the sentences of all items go through the encoder together.

    Words about the source or the speaker ('According to the text, ...') are taken off first. The
    encoder's views of an answer are the mean over its sentences: a minimum would fall with their
    number, whatever they say.
    """
    asked: dict[tuple[str, str], int] = {}
    drafts = []
    for item in items:
        held = documents(item.documents, item.answer, item.question)
        texts = split(item.answer)
        if len(texts) < 2:
            texts = [item.answer]
        plain = [unframed(text, held.stems) for text in texts]
        places = []
        for text in plain:
            claim = statement(item.question, text) if len(texts) == 1 else text
            shown = " ".join(p.text for p in evidence(claim, held.passages, idf))
            places.append(asked.setdefault((shown, claim), len(asked)))
        drafts.append((held, texts, plain, places))
    found = np.clip(encoder.views(list(asked)), -LIMIT, LIMIT) / LIMIT
    out = []
    for held, texts, plain, places in drafts:
        parts = tuple(
            _part(text, said, held, idf, found[at])
            for text, said, at in zip(texts, plain, places, strict=True)
        )
        whole = parts[0]
        if len(parts) > 1:
            whole = _part(" ".join(texts), " ".join(plain), held, idf, found[places].mean(0))
        out.append(Reading(whole, parts, held.left_out))
    return out


def _part(
    text: str,
    said: str,
    held: Documents,
    idf: Mapping[str, float],
    views: NDArray[np.float64],
) -> Part:
    found = features.compare(said, held, idf)
    near = held.passages[found.passage] if found.passage >= 0 else None
    return Part(text, (*found.values, *map(float, views)), near, found.missing)
