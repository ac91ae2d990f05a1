"""What speaks for and against an answer: alignment features, the encoder's view of each of its
sentences, and whether their facts stand where the rest of them does, against the passages that
speak to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluators import binding, facts, features
from evaluators.evidence import Documents, Passage, documents, evidence, split
from evaluators.framing import unframed

FRAGMENT_WORDS = 5  # an answer of at most as many words is read after its question
LIMIT = 3.0  # logits are cut here: beyond, they only say that the training pairs were easy
NAMES = (*features.NAMES, "encoder", "weakest_piece", "not_contradicted", *binding.NAMES)


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
    encoder's views of an answer, and what is told of its facts, are the mean over its sentences: a
    minimum would fall with their number, whatever they say.
    """
    asked: dict[tuple[str, str], int] = {}
    drafts = []
    for item in items:
        held = documents(item.documents, item.answer, item.question)
        texts = split(item.answer)
        if len(texts) < 2:
            texts = [item.answer]
        plain = [unframed(text, held.stems) for text in texts]
        claims = [statement(item.question, t) if len(texts) == 1 else t for t in plain]
        picked = [evidence(claim, held.passages, idf) for claim in claims]
        places = [
            asked.setdefault((" ".join(p.text for p in near), claim), len(asked))
            for near, claim in zip(picked, claims, strict=True)
        ]
        drafts.append((held, texts, plain, claims, picked, places))
    found = np.clip(encoder.views(list(asked)), -LIMIT, LIMIT) / LIMIT
    out = []
    for held, texts, plain, claims, picked, places in drafts:
        known = facts.held(held.words | held.numbers)
        bound = np.array(
            [
                binding.bound(claim, near, known, idf, float(found[at, 0]))
                for claim, near, at in zip(claims, picked, places, strict=True)
            ]
        )
        parts = tuple(
            _part(text, said, held, idf, (*found[at], min(found[at, 0], 0.0), *told))
            for text, said, at, told in zip(texts, plain, places, bound, strict=True)
        )
        whole = parts[0]
        if len(parts) > 1:
            views = found[places].mean(0)
            told = (*views, min(views[0], 0.0), *bound.mean(0))
            whole = _part(" ".join(texts), " ".join(plain), held, idf, told)
        out.append(Reading(whole, parts, held.left_out))
    return out


def _part(
    text: str,
    said: str,
    held: Documents,
    idf: Mapping[str, float],
    views: Sequence[float],
) -> Part:
    found = features.compare(said, held, idf)
    near = held.passages[found.passage] if found.passage >= 0 else None
    return Part(text, (*found.values, *map(float, views)), near, found.missing)
