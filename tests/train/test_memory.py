from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import AutoModel, LlavaNextConfig, LlavaNextForConditionalGeneration

from llava_vsd.train.memory import GIB, Load, Memory, Model, Tower, memory, model_of
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


def test_a_tower_that_learns_by_hand() -> None:
    model = Model({"vision": 10, "connector": 20, "language": 4000}, 8, 2, 16, 4, 100, Tower(6, 3, 10))
    load = Load(row_tokens=50, learned=10, trained=120, frozen=4010)
    language = memory(model, load, "ddp", 1).activations  # 31,200
    layer = 70 * (4 * 2 * 6 + 2 * (8 * 6 + 3 * 10))  # 14,280
    kept = replace(load, patches=70, checkpointing=False)
    plain = replace(load, checkpointing=False)
    assert memory(model, kept, "ddp", 1).activations == memory(model, plain, "ddp", 1).activations + 3 * layer
    inputs = 70 * 4 * 6 * 3
    assert memory(model, replace(load, patches=70), "ddp", 1).activations == inputs + language
    # With many patches the layer that is computed again is larger than all that the language model keeps.
    many = replace(load, patches=7000)
    assert memory(model, many, "ddp", 1).activations == 100 * (inputs + layer)


@pytest.mark.parametrize("name", ["llava-clip-vicuna", "llava-siglip-vicuna", "qwen2.5-vl"])
def test_a_tower_keeps_what_is_worked_out(name: str) -> None:
    """Beside what autograd keeps of the tower in bfloat16 autocast, as training computes it, weights aside."""
    torch.set_num_threads(1)
    config = tiny(name).model.config
    vision = config.vision_config
    vision.hidden_size, vision.intermediate_size, vision.out_hidden_size = 128, 448, 128
    tower = AutoModel.from_config(vision).train()
    layers = getattr(vision, "depth", None) or vision.num_hidden_layers
    if name == "qwen2.5-vl":
        patches, channels = 16 * 16, 3 * vision.temporal_patch_size * vision.patch_size**2
        given = (torch.randn(patches, channels), torch.tensor([[1, 16, 16]]))
    else:
        patches = 6 * (
            (vision.image_size // vision.patch_size) ** 2 + (vision.model_type == "clip_vision_model")
        )
        given = (torch.randn(6, 3, vision.image_size, vision.image_size),)
    kept: dict[int, torch.Tensor] = {}
    shapes = {frozenset(parameter.shape) for parameter in tower.parameters()}

    def noted(tensor: torch.Tensor) -> torch.Tensor:
        if frozenset(tensor.shape) not in shapes:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(noted, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        tower(*given)
    found = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    model = Model({"language": 0}, 0, 1, 0, 0, 0, model_of(tiny(name).model).tower)
    assert model.tower is not None
    assert model.tower.layers == layers
    model = replace(model, tower=replace(model.tower, hidden=128, intermediate=448))
    load = Load(row_tokens=0, learned=0, trained=0, frozen=0, checkpointing=False, patches=patches)
    assert memory(model, load, "ddp", 1).activations == pytest.approx(found, rel=0.2)


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
