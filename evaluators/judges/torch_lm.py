"""An LLM judge on torch: the verdict is read from the label logits, without any decoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evaluators.base import Result, failed
from evaluators.judges import loading, verdict
from evaluators.judges.completion import TorchCompleter
from evaluators.judges.engine import Engine, Spelled
from evaluators.judges.labels import encode, spellings
from evaluators.judges.question import Question, cut_note, inert, layout, shares, tag

MODEL = loading.MODEL
MAX_TOKENS = 768  # of a prompt of the packaged model, which is slow on a processor
LONGER = 8192  # of a prompt of a model of one's own, where the model itself reads as much
SPARE = 8  # tokens by which a cut prompt may grow when it is put together
REVISION = 3  # raise it when a prompt or a way of reading changes


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model runs. `device`: auto, cpu, cuda or several with commas, a worker each; `dtype`:
    auto, float32, bfloat16, float16; `compiled`: torch.compile; `budget`: tokens held at once, 0 by
    the device; `tokens`: longest prompt."""

    device: str = "auto"
    dtype: str = "auto"
    compiled: bool = False
    budget: int = 0
    tokens: int = MAX_TOKENS


class TorchJudge:
    """A causal model in a GGUF file or a folder; loads its weights at the first call, once per
    device. fp32: a probability differs by less than 1e-4 between batches."""

    name = "torch"
    per_call = 64

    def __init__(self, path: Path, model: str = MODEL, setup: Setup | None = None) -> None:
        self._path = path
        self.model = model
        self._setup = setup or Setup()
        self._spelled: dict[tuple[str, ...], Spelled] = {}

    @cached_property
    def _places(self) -> tuple[str, ...]:
        return loading.devices(self._setup.device)

    @property
    def spec(self) -> Mapping[str, Any]:
        return {
            "model": self.model, "weights": loading.fingerprint(self._path), "revision": REVISION,
            "tokens": self._setup.tokens, "floor": verdict.MASS_FLOOR,
            "dtype": loading.precision(self._setup.dtype, self._places),
            "backend": f"{self._places[0].split(':')[0]} {loading.ATTENTION}"
            + (" compiled" if self._setup.compiled else ""),
        }  # fmt: skip

    @cached_property
    def _loaded(self) -> tuple[Any, list[Engine]]:
        dtype = loading.precision(self._setup.dtype, self._places)
        made = [
            loading.load(self._path, place, dtype, self._setup.compiled) for place in self._places
        ]
        return made[0][0], [Engine(model, self._setup.budget) for _, model in made]

    @cached_property
    def _room(self) -> int:
        """Tokens of the longest prompt: what is set, and what the model reads."""
        longest = getattr(self._loaded[1][0].model.config, "max_position_embeddings", None)
        return min(self._setup.tokens, longest or self._setup.tokens)

    def ask(self, questions: Sequence[Question]) -> list[Result]:
        """A result per question, in order; each device takes a share of them."""
        return [
            failed(f"too_long: no memory for {note}")
            if chances is None
            else verdict.weighed(chances, question.labels, note, question.prior)
            for question, (chances, note) in zip(questions, self._read(questions), strict=True)
        ]

    def leanings(self, questions: Sequence[Question]) -> list[tuple[float, ...] | None]:
        """Share of each label in the mass on all of them, in the order of the labels; None where
        there is none. Their mean over a frozen set is the prior of a judge."""
        found: list[tuple[float, ...] | None] = []
        for question, (chances, _) in zip(questions, self._read(questions), strict=True):
            mass = sum(chances.values()) if chances else 0.0
            found.append(tuple(chances[n] / mass for n in question.names) if mass else None)  # type: ignore[index]
        return found

    def _read(self, questions: Sequence[Question]) -> list[tuple[dict[str, float] | None, str]]:
        """Probability of each label, and what was cut; None and the prompt's size where memory
        was not enough."""
        if not questions:
            return []
        made = [self._prompt(question) for question in questions]
        prompts = [prompt for prompt, _ in made]
        spelled = [self._sequences(question) for question in questions]
        found: dict[int, dict[str, float] | None] = {}

        def work(engine: Engine, part: list[int]) -> None:
            rows = engine.chances([prompts[i] for i in part], [spelled[i] for i in part])
            found.update(zip(part, rows, strict=True))

        engines = self._loaded[1]
        parts = _dealt([len(prompt) for prompt in prompts], len(engines))
        if len(engines) == 1:
            work(engines[0], parts[0])
        else:
            with ThreadPoolExecutor(len(engines)) as pool:
                list(pool.map(work, engines, parts))
        return [
            (row, note) if (row := found[i]) is not None else (None, f"{len(prompt)} tokens")
            for i, (prompt, note) in enumerate(made)
        ]

    def completer(self) -> TorchCompleter:
        """Free replies by greedy decoding."""
        return TorchCompleter(self)

    def written(self, prompt: str, most: int, reply: int) -> tuple[str, int, int]:
        """(reply, tokens read, tokens written) to a prompt whose start is cut where it has more
        than `most` tokens: what is asked stands at its end."""
        import torch

        tokenizer, engines = self._loaded
        model = engines[0].model
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
        # A token is seldom over 16 characters, so texts are cut before a long one is encoded.
        texts = [inert(part.text)[: self._room * 16] for part in question.parts]
        mark = tag(question)
        titles = [part.title for part in question.parts]
        ids = [encode(tokenizer, text) for text in texts]
        bare = self._chat(*layout(question, [(title, "") for title in titles], mark))
        room = self._room - len(encode(tokenizer, bare)) - SPARE
        lengths = [len(each) for each in ids]
        kept = shares(lengths, [part.elastic for part in question.parts], max(0, room))
        cut = [
            text if stays == len(each) else inert(str(tokenizer.decode(each[:stays])))
            for text, each, stays in zip(texts, ids, kept, strict=True)
        ]
        chat = self._chat(*layout(question, list(zip(titles, cut, strict=True)), mark))
        return encode(tokenizer, chat), cut_note(question.parts, lengths, kept, "tokens")

    def _chat(self, system: str, user: str) -> str:
        """The turns as the model's template has them; a template without a system role gets one
        turn, a model without a template plain text."""
        tokenizer = self._loaded[0]
        if not tokenizer.chat_template:
            return f"{system}\n\n{user}\n\nReply:"
        turns = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        given = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
        try:
            return str(tokenizer.apply_chat_template(turns, **given))
        except Exception:  # a template raises errors of its own kind for a role it does not know
            one = [{"role": "user", "content": f"{system}\n\n{user}"}]
            return str(tokenizer.apply_chat_template(one, **given))

    def _sequences(self, question: Question) -> Spelled:
        if question.names not in self._spelled:
            self._spelled[question.names] = spellings(
                self._loaded[0], question.names, self._chat("", question.ask)
            )
        return self._spelled[question.names]


def _dealt(lengths: Sequence[int], workers: int) -> list[list[int]]:
    """Prompts in order of arrival, split where each worker has about as many tokens: neighbours
    share what they begin with."""
    parts: list[list[int]] = [[] for _ in range(workers)]
    whole, done = sum(lengths), 0
    for i, length in enumerate(lengths):
        parts[min(workers - 1, done * workers // max(1, whole))].append(i)
        done += length
    return parts
