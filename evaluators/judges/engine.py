"""Label probabilities from a causal language model, without decoding.

What a set of prompts begins with is computed once and its keys and values are shared (as prefix
caches of inference servers do); labels of several tokens are read from the same cache. Batches are
sorted by length and bounded by tokens; where memory runs out, the bound is halved.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

log = logging.getLogger(__name__)
Tokens = Sequence[int]
Spelled = Mapping[tuple[int, ...], str]  # the tokens of a spelling, and its label
CPU_BUDGET, CUDA_BUDGET = 8192, 65536  # tokens held at once, the shared ones once per row
SHARED_FROM = 16  # tokens; less is not worth a call of its own
RARE = 1e-7  # a beginning of a label that is less likely is not followed
DEEPEST = 40  # nested prefixes that are told apart
_SCALED = ("final_logit_softcapping", "logit_scale", "logits_scaling")  # heads that do more


@dataclass(frozen=True, slots=True)
class Group:
    """Prompts (by number) that share their first `prefix` tokens, which are computed once."""

    prefix: int
    members: tuple[int, ...]


def groups(prompts: Sequence[Tokens]) -> list[Group]:
    """The split that computes the fewest tokens: rubric first, all share one prefix; sample
    first, the questions about a sample do."""
    order = sorted(range(len(prompts)), key=lambda i: list(prompts[i]))
    common = [_alike(prompts[a], prompts[b]) for a, b in pairwise(order)]

    def best(low: int, high: int, depth: int) -> tuple[int, list[Group]]:
        members = tuple(order[low : high + 1])
        if low == high:
            return 0, [Group(0, members)]
        shared = min(common[low:high])
        saved = shared * (high - low)
        cuts = [i for i in range(low, high) if common[i] == shared]
        starts = [low, *(i + 1 for i in cuts)]
        parts = [] if depth == DEEPEST else [
            best(a, b, depth + 1) for a, b in zip(starts, [*cuts, high], strict=True)
        ]  # fmt: skip
        if sum(part[0] for part in parts) > saved:
            return sum(part[0] for part in parts), [g for part in parts for g in part[1]]
        return saved, [Group(shared, members)]

    found = best(0, len(order) - 1, 0)[1] if order else []
    made, alone = list[Group](), list[int]()
    for group in found:
        # One token of each prompt stays its own: its output is where the labels are read.
        prefix = min(group.prefix, min(len(prompts[i]) for i in group.members) - 1)
        if prefix < SHARED_FROM or len(group.members) == 1:
            alone += group.members
        else:
            made.append(Group(prefix, group.members))
    return [*made, Group(0, tuple(alone))] if alone else made


def _alike(a: Tokens, b: Tokens) -> int:
    """How many tokens two prompts begin with alike."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def starved(error: Exception) -> bool:
    """Whether an error says that memory ran out, of a card or of the machine."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


class Engine:
    """A loaded model on one device. `budget` is lowered for good where memory ran out. `read`
    counts the tokens of the prompts that were given, `computed` those that went through the
    model, padding and tokens of labels among them."""

    def __init__(self, model: Any, budget: int = 0) -> None:
        self.model = model
        self.budget = budget or (CUDA_BUDGET if model.device.type == "cuda" else CPU_BUDGET)
        self.read = self.computed = 0
        config = model.config
        self._plain_head = all(getattr(config, name, None) in (None, 1, 1.0) for name in _SCALED)

    def chances(
        self, prompts: Sequence[Tokens], spelled: Sequence[Spelled]
    ) -> list[dict[str, float] | None]:
        """Probability of each label after each prompt; None where not even one prompt fitted.

        A label that another one begins with ('1' of '10') gets what its own tokens have, less what
        goes on to the other.
        """
        found: list[dict[str, float] | None] = [None] * len(prompts)
        self.read += sum(map(len, prompts))
        for group in groups(prompts):
            for part, rows in self._group(prompts, spelled, group):
                for i, row in zip(part, rows, strict=True):
                    found[i] = row
        return found

    def _group(
        self, prompts: Sequence[Tokens], spelled: Sequence[Spelled], group: Group
    ) -> Iterator[tuple[list[int], list[dict[str, float]]]]:
        """Batches of a group, the longest first: what does not fit is known early."""
        prefix, cache = group.prefix, None
        if prefix:
            try:
                cache = self._prefix(list(prompts[group.members[0]][:prefix]))
            except RuntimeError as error:
                if not starved(error):
                    raise
                prefix = 0
        due = sorted(group.members, key=lambda i: -len(prompts[i]))
        while due:
            part = due[: max(1, self.budget // len(prompts[due[0]]))]
            try:
                made = self._batch(
                    cache, prefix, [prompts[i][prefix:] for i in part], [spelled[i] for i in part]
                )
            except RuntimeError as error:
                if not starved(error):
                    raise
                made = None
            if made is None:  # outside of the handler, whose frames hold the tensors
                self._halve(len(part) * len(prompts[part[0]]))
                if len(part) == 1:
                    due = due[1:]
                continue
            yield part, made
            due = due[len(part) :]

    def _halve(self, tried: int) -> None:
        import torch

        self.budget = max(1, min(self.budget, tried) // 2)
        log.warning("judge: out of memory at %d tokens, now at most %d", tried, self.budget)
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()

    def _prefix(self, tokens: list[int]) -> list[tuple[Any, Any]]:
        """Keys and values of the shared tokens, a pair per layer, (1, heads, tokens, width)."""
        import torch
        from transformers import DynamicCache

        cache = DynamicCache()
        self.computed += len(tokens)
        with torch.inference_mode():
            ids = torch.tensor([tokens], device=self.model.device)
            self.model.base_model(input_ids=ids, past_key_values=cache, use_cache=True)
        return [(layer.keys, layer.values) for layer in cache.layers]

    def _batch(
        self, shared: list[tuple[Any, Any]] | None, prefix: int, rows: Sequence[Tokens],
        spelled: Sequence[Spelled],
    ) -> list[dict[str, float]]:  # fmt: skip
        """Padded on the right, so that causal attention alone keeps padding away from texts."""
        import torch
        from transformers import DynamicCache

        cache = DynamicCache()
        for number, (keys, values) in enumerate(shared or []):
            cache.update(
                keys.expand(len(rows), -1, -1, -1), values.expand(len(rows), -1, -1, -1), number
            )
        lengths = torch.tensor([len(row) for row in rows])
        width = int(lengths.max())
        tokens = torch.zeros(len(rows), width, dtype=torch.long)
        for number, row in enumerate(rows):
            tokens[number, : len(row)] = torch.tensor(row)
        positions = (prefix + torch.arange(width)).expand(len(rows), width)
        read = sorted({token for each in spelled for s in each for token in s})
        at = {token: n for n, token in enumerate(read)}
        after: dict[tuple[int, ...], list[list[float]] | None] = {
            (): self._next(tokens, positions, cache, lengths - 1, None, read)
        }
        inner = {s[:n] for each in spelled for s in each for n in range(1, len(s))}
        for begun in sorted(inner, key=len):
            before = after[begun[:-1]]
            if before is None or max(row[at[begun[-1]]] for row in before) < RARE:
                after[begun] = None
                continue
            n = len(begun)
            mask = torch.zeros(len(rows), prefix + width + n, dtype=torch.long)
            mask[:, :prefix] = 1
            mask[:, prefix : prefix + width] = torch.arange(width) < lengths[:, None]
            mask[:, prefix + width :] = 1
            said = torch.tensor(begun).expand(len(rows), n)
            places = prefix + lengths[:, None] + torch.arange(n)
            last = torch.full_like(lengths, n - 1)
            after[begun] = self._next(said, places, cache, last, mask, read)
            cache.crop(-n)
        return [
            _weigh(each, {b: {} if p is None else dict(zip(read, p[row], strict=True))
                          for b, p in after.items()})
            for row, each in enumerate(spelled)
        ]  # fmt: skip

    def _next(
        self, tokens: Any, positions: Any, cache: Any, last: Any, mask: Any, read: list[int]
    ) -> list[list[float]]:
        """Probabilities of the tokens `read` after place `last` of each row."""
        import torch

        device, rows = self.model.device, torch.arange(len(tokens))
        self.computed += tokens.numel()
        given = {
            "input_ids": tokens.to(device), "position_ids": positions.to(device),
            "past_key_values": cache, "use_cache": True,
            "attention_mask": None if mask is None else mask.to(device),
        }  # fmt: skip
        with torch.inference_mode():
            if self._plain_head:
                hidden = self.model.base_model(**given).last_hidden_state
                ends = hidden[rows.to(device), last.to(device)]
                logits = self.model.get_output_embeddings()(ends)
            else:
                wanted, at = last.unique(return_inverse=True)
                every = self.model(**given, logits_to_keep=wanted.to(device)).logits
                logits = every[rows.to(device), at.to(device)]
            # Only these columns leave the device: all of them would take as long as the model.
            found: list[list[float]] = torch.softmax(logits.float(), dim=1)[:, read].tolist()
            return found


def _weigh(
    spelled: Spelled, after: Mapping[tuple[int, ...], Mapping[int, float]]
) -> dict[str, float]:
    """Labels' probabilities from those of the next token after each beginning of a label."""
    found = dict.fromkeys(spelled.values(), 0.0)
    reached: dict[tuple[int, ...], float] = {(): 1.0}
    inner = sorted({s[:n] for s in spelled for n in range(len(s))}, key=len)
    for begun in inner:
        here, gone = reached[begun], 0.0
        for token in sorted({s[len(begun)] for s in spelled if s[: len(begun)] == begun != s}):
            chance = after[begun].get(token, 0.0)
            reached[*begun, token] = here * chance
            gone += chance
        if begun in spelled:
            found[spelled[begun]] += here * max(0.0, 1 - gone)
    for sequence, name in spelled.items():
        if sequence not in inner:
            found[name] += reached[sequence]
    return found
