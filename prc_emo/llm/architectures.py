"""Language models with random weights: the architecture of a known model at full size, or shrunk to a toy.

For tests, dry runs and speed measurements where the weights cannot be had. A toy answers nonsense, but goes
through every step that the real model goes through: its chat template, its control tokens, its thinking switch.
"""

from typing import Any

from prc_emo.errors import PrcEmoError, did_you_mean

# Dimensions as published in the models' own configuration files.
KNOWN: dict[str, dict[str, Any]] = {
    "Qwen/Qwen3-8B": {
        "model_type": "qwen3",
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "max_position_embeddings": 40960,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        "tie_word_embeddings": False,
    },
    "Qwen/Qwen2.5-7B-Instruct": {
        "model_type": "qwen2",
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        "tie_word_embeddings": False,
    },
}

_TOY = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}

# ChatML with a thinking switch, in our own words: what Qwen's templates do with the turns that we send.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|im_start|>assistant\\n' -}}"
    "{%- if enable_thinking is defined and not enable_thinking -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}"
    "{%- endif -%}"
)
_CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def configuration(name: str, *, toy: bool, vocab_size: int | None = None) -> Any:
    """The transformers configuration of a known model.

    Raises:
        PrcEmoError: The model is not in the table.
    """
    from transformers import AutoConfig

    if name not in KNOWN:
        raise PrcEmoError(
            f"The dimensions of {name!r} are not in the table of random models. {did_you_mean(name, KNOWN)}"
        )
    settings = {**KNOWN[name], **(_TOY if toy else {})}
    if vocab_size is not None:
        settings["vocab_size"] = vocab_size
    return AutoConfig.for_model(settings.pop("model_type"), **settings)


def toy_tokenizer(thinking: bool) -> Any:
    """A byte-level tokenizer with ChatML's control tokens: reads every text, knows no word.

    Args:
        thinking: Whether `<think>` and `</think>` are tokens, as in Qwen3 (they are not in Qwen2.5).
    """
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(_CONTROL)
    if thinking:
        tokenizer.add_tokens(["<think>", "</think>"])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )
    template = CHAT_TEMPLATE
    if not thinking:
        template = template.replace("enable_thinking is defined and not enable_thinking", "false")
    fast.chat_template = template
    return fast


def random_model(
    name: str, *, toy: bool, seed: int = 0, dtype: Any = None, device: str = "cpu"
) -> tuple[Any, Any]:
    """A model with seeded random weights, and the toy tokenizer.

    Returns:
        (model, tokenizer)
    """
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = toy_tokenizer(thinking=KNOWN[name]["model_type"] == "qwen3" if name in KNOWN else False)
    settings = configuration(name, toy=toy, vocab_size=len(tokenizer) if toy else None)
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(settings, dtype=dtype or torch.float32)
    return model, tokenizer
