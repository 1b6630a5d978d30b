from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModelForImageTextToText, LlamaConfig, LlamaForCausalLM

from llava_vsd.errors import UnknownFamilyError
from llava_vsd.model.families import FAMILIES, cover, family_of, parameters_of, part_of, parts_of, plain_name
from tiny_models import tiny


def on_no_device(model_type: str) -> Any:
    """A model of the family as its configuration is by default (of full size), without memory for weights."""
    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(CONFIG_MAPPING[model_type]())


def expected_part(name: str) -> str:
    """By the names that transformers gives to parts, which no two families use for different things."""
    if any(word in name.split(".") for word in ("language_model", "text_model", "lm_head")):
        return "language"
    if any(
        word in name
        for word in (
            "multi_modal_projector",
            "image_newline",
            "visual.merger",
            "deepstack_merger_list",
            "connector",
        )
    ):
        return "connector"
    return "vision"


@pytest.mark.parametrize("model_type", [*FAMILIES, "smolvlm", "gemma3", "paligemma"])
def test_every_parameter_of_every_family_has_its_part(model_type: str) -> None:
    found = {name: part for name, part, _ in parameters_of(on_no_device(model_type))}
    assert found == {name: expected_part(name) for name in found}
    assert set(found.values()) == {"vision", "connector", "language"}


def test_a_language_model_alone_has_no_parts() -> None:
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=1))
    assert family_of(model.config).name == "llama"  # no error before a part is asked for
    with pytest.raises(
        UnknownFamilyError, match=r"model type 'llama': its vision tower and language model are not"
    ):
        parts_of(model)


def test_a_listed_family_without_one_of_its_modules_is_refused() -> None:
    model = tiny("llava-next-vicuna").model
    del model.model.vision_tower
    with pytest.raises(
        UnknownFamilyError, match=r"'llava_next': no parameter found of its part 'vision', looked for at"
    ):
        parts_of(model)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("model.vision_tower.pre_layrnorm.bias", "model.vision_tower.pre_layrnorm.bias"),
        ("module.base_model.model.lm_head.weight", "lm_head.weight"),
        (
            "base_model.model.model.multi_modal_projector.modules_to_save.default.linear_1.weight",
            "model.multi_modal_projector.linear_1.weight",
        ),
        (
            "base_model.model.model.multi_modal_projector.original_module.linear_1.weight",
            "model.multi_modal_projector.linear_1.weight",
        ),
        (
            "_fsdp_wrapped_module.model.language_model.layers.3._fsdp_wrapped_module.mlp.up_proj.weight",
            "model.language_model.layers.3.mlp.up_proj.weight",
        ),
        (
            "_orig_mod.model.language_model.layers.3._checkpoint_wrapped_module.mlp.up_proj.weight",
            "model.language_model.layers.3.mlp.up_proj.weight",
        ),
    ],
)
def test_wrapping_is_taken_off_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_the_longer_path_decides_and_a_common_beginning_is_no_path() -> None:
    parts = FAMILIES["qwen2_5_vl"].parts
    assert part_of("model.visual.merger.mlp.0.weight", parts) == "connector"
    assert part_of("model.visual.modules_to_save.default.merger.mlp.0.weight", parts) == "connector"
    assert part_of("model.visual.merger_of_others.weight", parts) == "vision"
    assert part_of("model.visualizer.weight", parts) is None


def test_cover_takes_whole_modules_and_names_bare_parameters() -> None:
    class Tower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
            self.end = nn.Linear(2, 2)
            self.line = nn.Parameter(torch.zeros(2))

    model = nn.ModuleDict({"tower": Tower(), "other": nn.Linear(2, 2)})
    names = [name for name, _ in model.named_parameters()]
    inside = [name for name in names if name.startswith("tower.")]
    assert cover(model, inside) == (["tower"], [])
    # A list of modules has no forward, so its members stand for it.
    without_end = [name for name in inside if not name.startswith("tower.end")]
    modules, bare = cover(model, without_end)
    assert Counter(modules) == Counter(["tower.layers.0", "tower.layers.1"])
    assert bare == ["tower.line"]
    assert cover(model, ["other.bias"]) == ([], ["other.bias"])
