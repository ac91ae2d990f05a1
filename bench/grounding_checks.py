"""What a groundedness score must do beside ranking: refuse wrong contexts and broken facts, bear
long contexts, be fast. Printed by bench.groundedness."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.data import Row, auroc
from bench.pairs import put, swap
from bench.train_groundedness import labels, matrix, probability
from evaluators.grounding import Views
from evaluators.judges.encoder import Encoder

Array = NDArray[np.float64]
Judge = Callable[[str, list[Row]], NDArray[np.bool_]]
MOST = 200  # rows a check
LENGTHS = (256, 1000, 4000, 16000)  # words of context, about 1.3 word pieces each


class Remembering:
    """An encoder that reads each pair once."""

    def __init__(self, inner: Views) -> None:
        self._inner = inner
        self._held: dict[tuple[str, str], list[float]] = {}

    def views(self, texts: Sequence[tuple[str, str]]) -> Array:
        fresh = [t for t in dict.fromkeys(texts) if t not in self._held]
        self._held.update(zip(fresh, self._inner.views(fresh).tolist(), strict=True))
        return np.array([self._held[t] for t in texts])


FORMS = (  # the first three stand in a list of evaluators/framing.py, the next three in none
    "According to the text, {}",
    "The provided document states that {}",
    "{}, as stated in the article.",
    "What can be gathered from this is that {}",
    "I looked it up for you and {}",
    "{}, that much is certain from the sources at hand.",
    # written before its rules were measured on them
    "From everything I have read so far, {}",
    "You may be interested to hear that {}",
    "To put it briefly, {}",
    "There is good reason to say that {}",
    "{}, if the material can be trusted.",
    "{}, at least that is how I understand it.",
    "My reading of the whole thing is that {}",
    "Here is the gist: {}",
)


def reworded(row: Row, form: str) -> Row:
    """The claim as part of a full sentence that adds nothing."""
    claim = row["claim"].strip()
    if form.startswith("{}"):
        return {**row, "claim": form.format(claim.rstrip(" ."))}
    first = claim[:1].lower() + claim[1:] if claim[1:2].islower() else claim
    return {**row, "claim": form.format(first)}


def sanity(found: Mapping[str, list[Row]], judge: Judge) -> None:
    """Per set, of the supported rows that are scored as supported: the share that stays so."""
    print(
        "\n| set | stay supported: another row's context | an empty one | flipped when reworded: "
        + " | ".join(FORMS),
        "|",
    )
    print("|---|---|---|" + "---|" * len(FORMS))
    broken: list[str] = []
    for name, part in found.items():
        draw = random.Random(0)
        right = [row for row in part if row["label"] == 1]
        draw.shuffle(right)
        right = right[:MOST]
        kept = [row for row, good in zip(right, judge(name, right), strict=True) if good]
        groups = [row for row in part if row["context"]]
        alien = []
        for row in kept:
            other = draw.choice([o for o in groups[:400] if o["group"] != row["group"]])
            alien.append({**row, "context": other["context"]})
        shares = [
            judge(name, alien).mean(),
            judge(name, [{**row, "context": ""} for row in kept]).mean(),
            *(1 - judge(name, [reworded(row, form) for row in kept]).mean() for form in FORMS),
        ]
        print(f"| {name} (n={len(kept)}) |", " | ".join(f"{100 * s:.1f}%" for s in shares), "|")
        names = sorted({w for r in part for w in r["claim"].split()[1:] if w[:1].isupper()})
        wrong = []
        for row in kept:
            found_swap = swap(row["claim"], row["context"], names or ["Smith"], draw)
            if found_swap:
                wrong.append({**row, "claim": put(row["claim"], *found_swap)})
        if wrong:
            broken.append(
                f"| {name} | {len(wrong)} | {100 * (1 - judge(name, wrong).mean()):.1f}% |"
            )
    print("\n| set | a name, number or kind swapped in a supported claim, n | rejected |")
    print("|---|---|---|", *broken, sep="\n")


def padded(row: Row, pool: list[Row], size: int, draw: random.Random) -> Row:
    """The row's context among other rows' contexts, in random order, about `size` words."""
    texts = [row["context"]]
    held = len(row["context"].split())
    while held < size:
        other = draw.choice(pool)
        if other["group"] != row["group"]:
            texts.append(other["context"])
            held += len(other["context"].split())
    draw.shuffle(texts)
    return {**row, "context": "\n".join(texts)}


def speed(
    found: Mapping[str, list[Row]],
    idf: Mapping[str, float],
    fitted: Mapping[str, tuple[Array, float]],
) -> None:
    """AUROC, false support and claims per second as the context grows by distractors."""
    encoder = Encoder()
    encoder.views([("warm", "up")])
    print("\n| words of context | set | n | AUROC | unsupported taken for supported | claims/s |")
    print("|---|---|---|---|---|---|")
    for size in LENGTHS:
        for name in ("begin", "fever_symmetric", "factcheck_stance"):
            draw = random.Random(0)
            part = [r for r in found[name] if len(r["context"].split()) < 200]
            some = draw.sample(part, MOST if size < 16000 else MOST // 2)
            some = [padded(row, part, size, draw) for row in some]
            begun = time.perf_counter()
            x = matrix(some, encoder, idf)
            rate = len(some) / (time.perf_counter() - begun)
            beta, cut = fitted[name]
            p, y = probability(x, beta), labels(some)
            print(
                f"| {size} | {name} | {len(some)} | {auroc(y, p):.3f} "
                f"| {100 * (p >= cut)[y == 0].mean():.1f}% | {rate:.1f} |",
                flush=True,
            )
