"""Memory of training the published models on 1 to 64 GPUs, worked out: the tables of docs/training.md.

No weights are needed, nor a GPU: python benchmarks/training_memory.py
"""

from __future__ import annotations

import torch
from transformers import (
    AutoModelForImageTextToText,
    LlavaConfig,
    LlavaNextConfig,
    PreTrainedConfig,
    Qwen2_5_VLConfig,
)

from llava_vsd.config import Config, Stage
from llava_vsd.model.adapters import prepare
from llava_vsd.model.families import family_of
from llava_vsd.model.load import Loaded, quietly
from llava_vsd.train.check import load_of, memory_table, trained_parameters
from llava_vsd.train.memory import model_of


def language(
    kind: str, hidden: int, intermediate: int, layers: int, heads: int, key_values: int, words: int
) -> dict:
    """Settings of a language model."""
    return {
        "model_type": kind,
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": key_values,
        "vocab_size": words,
    }


VICUNA_7B = language("llama", 4096, 11008, 32, 32, 32, 32064)
VICUNA_13B = language("llama", 5120, 13824, 40, 40, 40, 32064)
MISTRAL_7B = language("mistral", 4096, 14336, 32, 32, 8, 32064)
QWEN_7B = language("qwen2_5_vl_text", 3584, 18944, 28, 28, 4, 152064)
QWEN_TOWER = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "out_hidden_size": 3584,
}

# name, configuration, tokens of the longest row (as in configs/), learned tokens in it
MODELS: list[tuple[str, PreTrainedConfig, int, int]] = [
    ("LLaVA-1.5-7B", LlavaConfig(text_config=VICUNA_7B), 8192, 300),
    ("LLaVA-1.6-Mistral-7B", LlavaNextConfig(text_config=MISTRAL_7B), 12288, 300),
    (
        "Qwen2.5-VL-7B",
        Qwen2_5_VLConfig(text_config=QWEN_7B, vision_config=QWEN_TOWER, tie_word_embeddings=False),
        8192,
        300,
    ),
    ("LLaVA-1.6-Vicuna-13B", LlavaNextConfig(text_config=VICUNA_13B), 12288, 300),
]
WAYS: list[tuple[str, dict[str, str], str | None]] = [
    ("LoRA, 4 bits", {"language": "lora"}, "4bit"),
    ("LoRA", {"language": "lora"}, None),
    ("whole", {"language": "full"}, None),
]
GPUS = (1, 2, 4, 8, 16, 32, 64)


def main() -> None:
    """Prints a table a model."""
    for name, architecture, row_tokens, learned in MODELS:
        print(f"\n{name}, rows of {row_tokens:,} tokens\n")
        print("| what learns | launch | " + " | ".join(str(gpus) for gpus in GPUS) + " |")
        print("|---|---|" + "---|" * len(GPUS))
        for way, parts, bits in WAYS:
            stage = Stage.model_validate({"data": ["x"], "batch_conversations": 64, **parts})
            config = Config.model_validate(
                {"model": name, "output": "x", "stages": [stage], "quantize": bits}
            )
            with torch.device("meta"):
                model = AutoModelForImageTextToText.from_config(architecture)
            dimensions = model_of(model)
            with quietly():
                trained = trained_parameters(prepare(Loaded(model, None, family_of(architecture)), stage))
            load = load_of(config, stage, dimensions, trained, row_tokens=row_tokens, learned=learned)
            table = memory_table(dimensions, load, 64)
            for launch in ("ddp",) if bits else ("ddp", "zero2", "fsdp"):
                figures = " | ".join(f"{table[launch][gpus]['total']:.0f}" for gpus in GPUS)
                print(f"| {way} | {launch} | {figures} |")


if __name__ == "__main__":
    main()
