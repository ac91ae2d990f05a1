"""The judge engine on a card: tokens/s, share of the card's own bf16 rate, peak memory, and how far
bf16 is from fp32. `python -m bench.judge_gpu [--weights FOLDER_OR_GGUF] [--out FILE]`

Needs torch, transformers and a CUDA card; nothing is downloaded. Without weights it takes random
ones of Llama shapes: speed does not depend on them, verdicts do, so the differences of random
weights are shown as what they are. On a machine without a card it runs one tiny shape, as a trial.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from evaluators.judges.engine import Engine, Spelled

SEED = 20261126
SHARED, OWN, REPLY = 250, 150, 30
# name: layers, width, inner width, heads, key heads, vocabulary, tied; prompts to judge
SHAPES: dict[str, tuple[int, int, int, int, int, int, bool, int]] = {
    "135M": (30, 576, 1536, 9, 3, 49152, True, 4096),
    "1.5B": (28, 1536, 8960, 12, 2, 151936, True, 2048),
    "8B": (32, 4096, 14336, 32, 8, 128256, False, 768),
}
TRIAL = {"trial": (2, 64, 128, 4, 2, 512, True, 32)}
LABELS: Spelled = {(11,): "Yes", (12,): "Yes", (13,): "No", (14,): "No"}
_LINES: list[str] = []


def say(line: str) -> None:
    print(line, flush=True)
    _LINES.append(line)


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def timed(work: Callable[[], Any]) -> float:
    """Seconds of one call, after what was queued before it."""
    wait()
    begun = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - begun


def card_rate(device: str) -> float:
    """Flop/s of a square bf16 product, the best of five rounds: what the card gives, not what its
    data sheet says."""
    n = 8192 if device == "cuda" else 512
    a = torch.randn(n, n, device=device, dtype=torch.bfloat16)
    b = torch.randn(n, n, device=device, dtype=torch.bfloat16)

    def rounds() -> None:
        for _ in range(10):
            a @ b

    rounds()
    return 10 * 2 * n**3 / min(timed(rounds) for _ in range(5))


def build(shape: tuple[Any, ...], device: str, dtype: torch.dtype) -> Any:
    """A Llama of a shape with random weights, made on the device."""
    from transformers import LlamaConfig, LlamaForCausalLM

    layers, width, inner, heads, key_heads, words, tied, _ = shape
    config = LlamaConfig(
        vocab_size=words, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_heads, tie_word_embeddings=tied,
        max_position_embeddings=8192, attn_implementation="sdpa",
    )  # fmt: skip
    torch.manual_seed(SEED)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(torch.float32)


def prompts(count: int, shared: int, own: int, words: int) -> list[list[int]]:
    """Random tokens; lengths of the own part from 2/3 to 4/3 of `own`, as texts vary."""
    draw = random.Random(SEED)
    begun = [draw.randrange(20, words) for _ in range(shared)]
    return [
        begun + [draw.randrange(20, words) for _ in range(draw.randint(own * 2 // 3, own * 4 // 3))]
        for _ in range(count)
    ]


def flops(model: Any, asked: list[list[int]], prefix: int) -> float:
    """Of the products that are needed: weights for each computed token, scores and values of
    attention (causal), the head once a prompt."""
    config = model.config
    body = sum(
        p.numel() for n, p in model.named_parameters() if "embed" not in n and "head" not in n
    )
    width = config.num_attention_heads * (config.hidden_size // config.num_attention_heads)
    own = [len(prompt) - prefix for prompt in asked]
    seen = sum(n * prefix + n * n / 2 for n in own) + prefix**2 / 2
    head = len(asked) * config.hidden_size * config.vocab_size
    layers = 4 * config.num_hidden_layers * width * seen
    return float(2 * body * (sum(own) + prefix) + layers + 2 * head)


def judged(engine: Engine, asked: list[list[int]]) -> list[float]:
    """P(Yes) among Yes and No, a number per prompt."""
    found = engine.chances(asked, [LABELS] * len(asked))
    return [r["Yes"] / (r["Yes"] + r["No"]) if r else float("nan") for r in found]


def free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak() -> str:
    if not torch.cuda.is_available():
        return "no card"
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f}"


def speed(name: str, shape: tuple[Any, ...], device: str, rate: float) -> None:
    """Rows of the speed table for one shape: shared and own, own alone, long; generate() beside."""
    free()
    model = build(shape, device, torch.bfloat16)
    engine, words, count = Engine(model), shape[5], shape[7]
    for title, shared, own, n in (
        (f"{SHARED} shared + {OWN} own", SHARED, OWN, count),
        (f"{SHARED + OWN} own", 0, SHARED + OWN, count // 2),
        ("2000 own", 0, 2000, max(8, count // 8)),
    ):
        asked = prompts(n, shared, own, words)
        judged(engine, asked[: max(4, n // 8)])
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        took = timed(lambda asked=asked: judged(engine, asked))  # type: ignore[misc]
        read, computed = sum(map(len, asked)), sum(map(len, asked)) - shared * (n - 1)
        used = flops(model, asked, shared) / took / rate
        say(
            f"| {name} | {title} | {n} | {n / took:.0f} | {read / took:,.0f}"
            f" | {computed / took:,.0f} | {used:.1%} | {peak()} |"
        )
    _beside(name, model, engine, words, min(count, 256))


def _beside(name: str, model: Any, engine: Engine, words: int, n: int) -> None:
    """The same prompts by generate() in batches of 64, greedy, 30 tokens each."""
    asked = prompts(n, SHARED, OWN, words)

    def generate() -> None:
        for start in range(0, n, 64):
            part = asked[start : start + 64]
            width = max(map(len, part))
            ids = torch.zeros(len(part), width, dtype=torch.long)
            mask = torch.zeros(len(part), width, dtype=torch.long)
            for at, row in enumerate(part):
                ids[at, width - len(row) :] = torch.tensor(row)
                mask[at, width - len(row) :] = 1
            with torch.inference_mode():
                model.generate(
                    input_ids=ids.to(model.device), attention_mask=mask.to(model.device),
                    max_new_tokens=REPLY, min_new_tokens=REPLY, do_sample=False, pad_token_id=0,
                )  # fmt: skip

    generate()
    theirs, ours = timed(generate), timed(lambda: judged(engine, asked))
    say(
        f"{name}: {n} verdicts ({SHARED}+{OWN} tokens): engine {ours:.2f} s, generate() of {REPLY}"
        f" tokens in batches of 64 {theirs:.2f} s, ratio {theirs / ours:.1f}"
    )


def differences(one: list[float], other: list[float]) -> str:
    """p99 of the difference and the share of verdicts that change sides of 0.5."""
    away = sorted(abs(a - b) for a, b in zip(one, other, strict=True))
    flips = sum((a >= 0.5) != (b >= 0.5) for a, b in zip(one, other, strict=True))
    return (
        f"n={len(away)}, p99 {away[int(0.99 * (len(away) - 1))]:.5f}, max {away[-1]:.5f}, flips"
        f" {flips / len(away):.2%}, spread of the verdicts (sd) {statistics.pstdev(one):.4f}"
    )


def precision(title: str, model: Any, asked: list[list[int]]) -> None:
    """fp32 by batches and one by one, and bf16 against fp32, on one model."""
    torch.nn.Module.float(model)  # a GGUF model, which is dequantised, refuses its own method
    exact = judged(Engine(model), asked)
    some = asked[:64]
    alone = [judged(Engine(model), [prompt])[0] for prompt in some]
    say(f"{title}, fp32, batch against one by one: {differences(exact[: len(some)], alone)}")
    half = torch.nn.Module.bfloat16(model)
    say(f"{title}, bf16 against fp32: {differences(exact, judged(Engine(half), asked))}")


def texts() -> Iterator[tuple[str, str]]:
    """Documents and answers, half of them with another fact; made by rule."""
    draw = random.Random(SEED)
    places = ["Paris", "Oslo", "Lima", "Cairo", "Quito", "Hanoi", "Turin", "Kyoto"]
    things = ["tower", "library", "bridge", "museum", "station", "theatre"]
    for n in range(400):
        thing, place, year = draw.choice(things), draw.choice(places), draw.randint(1800, 2020)
        other = draw.choice([p for p in places if p != place])
        told = f"The {thing} of {place} was opened in {year} after {draw.randint(2, 9)} years."
        near = f"It stands beside the river, and {draw.randint(3, 90)} people work there."
        yield f"{told} {near}", f"The {thing} of {place if n % 2 else other} opened in {year}."


def real(path: Path, device: str) -> None:
    """With weights of a real model: its own prompts, so that the verdicts mean something."""
    from evaluators.judges.loading import load

    tokenizer, model = load(path, device, "float32")
    global LABELS
    LABELS = {
        tuple(tokenizer(said, add_special_tokens=False)["input_ids"]): label
        for label in ("Yes", "No") for said in (label, f" {label}", label.lower())
    }  # fmt: skip
    ask = "Is every statement of the answer supported by the documents? Reply Yes or No."
    asked = [
        tokenizer(
            f"<|im_start|>user\n{ask}\nDocuments: {context}\nAnswer: {answer}<|im_end|>\n"
            "<|im_start|>assistant\n", add_special_tokens=False,
        )["input_ids"]
        for context, answer in texts()
    ]  # fmt: skip
    precision(f"{path.name} (real weights)", model, asked)


def memory(device: str) -> None:
    """A budget that cannot fit: what the engine does about it."""
    free()
    shape = SHAPES["8B"]
    engine = Engine(build(shape, device, torch.bfloat16), budget=4_000_000)
    asked = prompts(2048, SHARED, OWN, shape[5])
    took = timed(lambda: judged(engine, asked))
    say(
        f"8B, budget 4,000,000 tokens on {len(asked)} prompts: ended in {took:.1f} s with a budget"
        f" of {engine.budget:,} tokens, peak {peak()} GiB"
    )


def compiled(device: str, rate: float) -> None:
    """The smallest shape with torch.compile, its first call told apart."""
    free()
    shape = SHAPES["135M"]
    model = build(shape, device, torch.bfloat16)
    engine, asked = Engine(model), prompts(2048, SHARED, OWN, shape[5])
    judged(engine, asked)
    plain = timed(lambda: judged(engine, asked))
    model.base_model.forward = torch.compile(model.base_model.forward, dynamic=True)
    first = timed(lambda: judged(engine, asked))
    then = timed(lambda: judged(engine, asked))
    say(f"135M, torch.compile: {plain:.2f} s without, first call {first:.1f} s, then {then:.2f} s"
        f" ({flops(model, asked, SHARED) / then / rate:.1%} of the card's rate)")  # fmt: skip


def part(title: str, work: Callable[[], None], until: float) -> None:
    """One part; a failure is said and costs no other, and none begins after `until`."""
    if time.monotonic() > until:
        say(f"{title}: left out, the time is over")
        return
    try:
        work()
    except Exception as error:
        say(f"{title}: {type(error).__name__}: {str(error)[:300]}")
    free()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=200)
    asked = parser.parse_args()
    until = time.monotonic() + asked.seconds
    device = "cuda" if torch.cuda.is_available() else "cpu"
    shapes = SHAPES if device == "cuda" else TRIAL
    import transformers

    name = torch.cuda.get_device_name() if device == "cuda" else "no card: a trial of the script"
    say(f"{name}; torch {torch.__version__}, transformers {transformers.__version__}; seed {SEED}")
    rate = card_rate(device)
    say(f"bf16 product of 8192 x 8192: {rate / 1e12:.0f} TFLOP/s\n")
    say("| shape | tokens | prompts | verdicts/s | tokens/s read | tokens/s computed"
        " | share of the bf16 rate | peak GiB |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for title, shape in shapes.items():
        part(title, lambda t=title, s=shape: speed(t, s, device, rate), until)  # type: ignore[misc]
    for title in [each for each in ("135M", "trial", "1.5B") if each in shapes]:
        words = shapes[title][5]

        def random_weights(title: str = title, words: int = words) -> None:
            model = build(shapes[title], device, torch.float32)
            precision(f"{title} (random weights)", model, prompts(512, SHARED, OWN, words))

        part(f"{title} precision", random_weights, until)
    if asked.weights:
        part("real weights", lambda: real(asked.weights, device), until + 60)
    if device == "cuda":
        part("memory", lambda: memory(device), until)
        part("compile", lambda: compiled(device, rate), until)
    if asked.out:
        asked.out.write_text("\n".join(_LINES) + "\n")


if __name__ == "__main__":
    main()
