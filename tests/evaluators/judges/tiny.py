"""A causal model of a few thousand random weights with a tokenizer and a chat template, made on the
spot: the engine's arithmetic is the same as with a large one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)
WORDS = ["Yes", "No", "partly", "documents", "answer", "the", "tower", "stands in Paris", "data"]


def tokenizer() -> Any:
    """Byte-level BPE with a few merges: '10' is two tokens, 'Yes' and ' Yes' are different ones."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(WORDS * 5, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    fast.chat_template = TEMPLATE
    return fast


def model(**more: Any) -> Any:
    """Two layers with grouped heads, as SmolLM2 has them; weights large enough to tell prompts
    apart."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=320, hidden_size=48, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=6, num_key_value_heads=2, max_position_embeddings=2048,
        initializer_range=0.3, **more,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def save(folder: Path) -> Path:
    """A folder as `save_pretrained` leaves it, with safetensors."""
    tokenizer().save_pretrained(folder)
    model().save_pretrained(folder)
    return folder
