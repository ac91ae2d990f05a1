"""Whether what a claim says stands in the documents where the rest of the claim does.

A swapped fact leaves nearly all words of a claim in the documents, so that shares of words hardly
fall. But at the place where its neighbours stand, the documents have another word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from evaluators import facts
from evaluators.evidence import Passage
from evaluators.facts import Held, Token
from evaluators.words import stem

NAMES = (
    "numbers_held",
    "names_held",
    "facts_held_or_entailed",
    "content_held",
    "facts_in_place",
    "words_in_place_or_entailed",
)
_NEAR = {1: 1.0, 2: 0.7, 3: 0.5}  # weight of a neighbour so many words away
_MOVED = 0.7  # what a neighbour counts that stands one word nearer or farther
_COMMON = 0.15  # weight of a word that says little, beside the rarest
Place = tuple[int, int]  # passage, word


def bound(
    claim: str,
    near: Sequence[Passage],
    held: Held,
    idf: Mapping[str, float],
    encoder: float,
) -> tuple[float, ...]:
    """Values in [0, 1] in the order of NAMES, 1 where nothing speaks against the claim.

    `near`: the passages picked for it; `held`: all documents; `encoder`: the encoder's view of the
    claim, -1 (contradicted) to 1. A word out of place may be a synonym, so that how far any word
    (the last value) counts against the claim is multiplied by how far the encoder is against it.
    """
    common = idf.keys() - {""}
    said = facts.tokens(claim, common)
    shown = [facts.tokens(p.text, common) for p in near]
    dated, named = facts.absent(said, held, facts.acronyms(shown))
    against = (1 - encoder) / 2
    content = [i for i, t in enumerate(said) if t.content]
    weights = [_weight(t, idf) for t in said]
    there = sum(weights[i] for i in content if held.has(said[i].key))
    out = _out_of_place(said, weights, shown, held)
    worst = max((out[i] for i in content if said[i].kind != "word"), default=0.0)
    return (
        float(not dated),
        float(not named),
        1 - against * (dated or named),
        there / (sum(weights[i] for i in content) or 1.0),
        1 - worst,
        1 - against * max(out.values(), default=0.0),
    )


def _weight(token: Token, idf: Mapping[str, float]) -> float:
    top = idf.get("", 1.0)
    if not token.content:
        return _COMMON * top
    return idf.get(stem(token.text.lower()), top)


def _out_of_place(
    said: Sequence[Token], weights: Sequence[float], shown: Sequence[Sequence[Token]], held: Held
) -> dict[int, float]:
    """For each content word of a claim, by its index: how much better the words around it fit
    around another word of the passages than around itself, as a share of their weight."""
    keys = {t.key for t in said}
    where: dict[str, list[Place]] = defaultdict(list)
    for number, passage in enumerate(shown):
        for at, token in enumerate(passage):
            where[token.key].append((number, at))
    out: dict[int, float] = {}
    for index, token in enumerate(said):
        if not token.content:
            continue
        out[index] = 0.0
        if token.key not in where and held.has(token.key):
            continue  # written in another way, or in a passage that was not picked
        around = {
            step: (said[index + step].key, _NEAR[abs(step)] * weights[index + step])
            for step in (-3, -2, -1, 1, 2, 3)
            if 0 <= index + step < len(said)
        }
        itself = other = 0.0
        for (number, at), fit in _fits(around, where, shown).items():
            found = shown[number][at]
            if found.key == token.key:
                itself = max(itself, fit)
            elif found.content and found.key not in keys:
                other = max(other, fit)
        whole = sum(weight for _, weight in around.values()) or 1.0
        out[index] = max(0.0, other - itself) / whole
    return out


def _fits(
    around: Mapping[int, tuple[str, float]],
    where: Mapping[str, Sequence[Place]],
    shown: Sequence[Sequence[Token]],
) -> dict[Place, float]:
    """Places of passages to the weight of the neighbours that stand around them as in the claim."""
    found: dict[Place, dict[int, float]] = defaultdict(dict)
    for step, (key, weight) in around.items():
        for number, at in where.get(key, ()):
            for moved in (step, step - 1, step + 1):
                place = at - moved
                if moved * step <= 0 or not 0 <= place < len(shown[number]):
                    continue  # on the other side, or outside
                kept = found[number, place]
                kept[step] = max(kept.get(step, 0.0), weight * (1 if moved == step else _MOVED))
    return {place: sum(kept.values()) for place, kept in found.items()}
