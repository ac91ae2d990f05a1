"""What speaks for and against an answer: alignment features and the encoder's view of the answer
and of each of its sentences, against the passages that speak to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from numpy.typing import NDArray

from evaluators import features
from evaluators.evidence import Passage, documents, evidence, split

FRAGMENT_WORDS = 5  # an answer of at most as many words is read after its question
LIMIT = 3.0  # logits are cut here: beyond, they only say that the training pairs were easy
NAMES = (*features.NAMES, "encoder", "encoder_weakest")


class Logits(Protocol):
    """(evidence, claim) pairs to logits; `evaluators.judges.encoder.Encoder`."""

    def logits(self, texts: Sequence[tuple[str, str]]) -> NDArray: ...  # type: ignore[type-arg]


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
    """The whole answer, and its sentences in order."""

    whole: Part
    sentences: tuple[Part, ...]


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


def read(items: Sequence[Item], encoder: Logits, idf: Mapping[str, float]) -> list[Reading]:
    """One Reading per item, in order; all pairs of all items go through the encoder together."""
    asked: dict[tuple[str, str], int] = {}
    drafts = []
    for item in items:
        held = documents(item.documents)
        texts = split(item.answer) or [item.answer]
        parts = []
        for text in [item.answer, *texts] if len(texts) > 1 else [item.answer]:
            claim = statement(item.question, text) if text is item.answer else text
            shown = " ".join(p.text for p in evidence(claim, held.passages, idf))
            at = asked.setdefault((shown, claim), len(asked))
            parts.append((text, features.compare(text, held, idf), at))
        drafts.append((held, parts))
    logits = encoder.logits(list(asked))
    out = []
    for held, parts in drafts:
        views = [max(-LIMIT, min(LIMIT, float(logits[at]))) / LIMIT for _, _, at in parts]
        weakest = [min(views[1:] or views), *views[1:]]
        made = [
            Part(
                text,
                (*found.values, view, low),
                held.passages[found.passage] if found.passage >= 0 else None,
                found.missing,
            )
            for (text, found, _), view, low in zip(parts, views, weakest, strict=True)
        ]
        out.append(Reading(made[0], tuple(made[1:] or made)))
    return out
