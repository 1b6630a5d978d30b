from __future__ import annotations

import pytest
import torch
from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration

from llava_vsd.train.memory import GIB, Load, Memory, Model, memory, model_of
from tiny_models import tiny


def test_by_hand() -> None:
    model = Model({"vision": 10, "connector": 20, "language": 4000}, 8, 2, 16, 4, 100)
    load = Load(row_tokens=50, learned=10, trained=120, frozen=4010)
    found = memory(model, load, "ddp", 4)
    assert found.weights == 4010 * 2 + 120 * 4
    assert (found.gradients, found.optimizer) == (120 * 4, 120 * 8)
    layer = 2 * 50 * (6 * 8 + 2 * 4 + 4 * 16)
    logits = 2 * 2 * 10 * 100 + 3 * 4 * 10 * 100
    assert found.activations == 2 * 50 * 8 * 2 + layer + logits
    assert found.total == found.weights + found.gradients + found.optimizer + found.activations + 1.5 * GIB
    kept = Load(row_tokens=50, learned=10, trained=120, frozen=4010, checkpointing=False)
    assert memory(model, kept, "ddp", 1).activations == 2 * layer + logits


def test_what_is_divided() -> None:
    model = Model({"vision": 10, "connector": 20, "language": 4000}, 8, 2, 16, 4, 100)
    load = Load(row_tokens=50, learned=10, trained=120, frozen=4010)
    one, eight = (memory(model, load, "zero2", gpus) for gpus in (1, 8))
    assert eight.weights == one.weights
    assert (eight.gradients, eight.optimizer) == (one.gradients / 8, one.optimizer / 8)
    divided = memory(model, load, "fsdp", 8)
    assert divided.weights == one.weights / 8 + 2 * 2 * 4000 / 2
    assert isinstance(divided, Memory)
    assert memory(model, load, "fsdp", 1) == memory(model, load, "ddp", 1)


def test_dimensions_of_a_model() -> None:
    made = tiny("llava-next-mistral").model
    found = model_of(made)
    assert sum(found.parameters.values()) == sum(p.numel() for p in made.parameters())
    assert (found.hidden, found.layers, found.intermediate, found.key_values) == (32, 2, 48, 16)


def test_the_papers_model_has_thirteen_billion_parameters() -> None:
    """Its published size: 13.35 billion, of which the vision tower has 0.30."""
    config = LlavaNextConfig(
        text_config={
            "model_type": "llama",
            "hidden_size": 5120,
            "intermediate_size": 13824,
            "num_hidden_layers": 40,
            "num_attention_heads": 40,
            "num_key_value_heads": 40,
            "vocab_size": 32064,
        }
    )
    with torch.device("meta"):
        found = model_of(LlavaNextForConditionalGeneration(config))
    assert sum(found.parameters.values()) == pytest.approx(13.35e9, rel=0.005)
    assert found.parameters["vision"] == pytest.approx(0.30e9, rel=0.03)
