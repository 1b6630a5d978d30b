from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForImageTextToText

from llava_vsd.errors import UsageError
from llava_vsd.model.adapters import linear_layers, parameter_groups, prepare, save_adapter
from llava_vsd.model.families import plain_name
from llava_vsd.model.load import load
from tiny_models import FAMILIES

CHOICES = {
    "lora and connector": {},
    "lora alone": {"connector": "frozen"},
    "connector alone": {"language": "frozen"},
    "lora and vision": {"vision": "full", "connector": "frozen"},
    "vision and connector": {"vision": "full", "language": "frozen"},
    "all whole": {"vision": "full", "language": "full"},
}
CONNECTORS = {
    "llava": ["model.multi_modal_projector."],
    "llava_next": ["model.multi_modal_projector.", "model.image_newline"],
    "qwen2_5_vl": ["model.visual.merger."],
}


def learning(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def shift(model: nn.Module) -> None:
    """Moves everything that learns, as training would."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.05)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", FAMILIES)
def test_just_the_chosen_parts_learn_and_all_of_them_get_a_gradient(
    name: str, choice: str, checkpoint: Any, train: Any, ask: Any
) -> None:
    loaded = load(checkpoint(name))
    plain = {name for name, _ in loaded.model.named_parameters()}
    connector = {one for one in plain if one.startswith(tuple(CONNECTORS[loaded.family.model_type]))}
    language = {one for one in plain if one.startswith(("model.language_model.", "lm_head."))}
    linear = {  # by name and shape, where the code goes by type
        one.removesuffix(".weight")
        for one in language
        if one.endswith("_proj.weight") and loaded.model.get_parameter(one).ndim == 2
    }
    settings = train(**CHOICES[choice])
    model = prepare(loaded, settings)
    got = learning(model)
    adapted = {plain_name(one).partition(".lora_")[0] for one in got if ".lora_" in one}
    whole = {plain_name(one) for one in got if ".lora_" not in one}
    assert adapted == (linear if settings.language == "lora" else set())
    assert whole & connector == (connector if settings.connector == "full" else set())
    assert whole & language == (language if settings.language == "full" else set())
    vision = plain - connector - language
    if settings.vision == "full":
        idle = vision - whole
        # LLaVA's connector reads the state before the last of three layers, and nothing reads what comes then.
        assert bool(idle) == (loaded.family.model_type != "qwen2_5_vl")
        assert all(".layers.2." in one or ".post_layernorm." in one or ".head." in one for one in idle)
    else:
        assert not whole & vision
    question = ask(loaded.processor)
    model.train()
    model(**question, labels=question["input_ids"]).loss.backward()
    for one, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, one


@pytest.mark.parametrize(
    ("name", "choice"),
    [(name, "lora and connector") for name in FAMILIES]
    + [
        (name, choice)
        for name in ("llava-next-vicuna", "qwen2.5-vl")  # a bare parameter; a connector inside the tower
        for choice in CHOICES
        if choice not in ("lora and connector", "all whole")
    ],
)
def test_plain_peft_loads_a_saved_adapter_with_the_same_logits(
    name: str, choice: str, checkpoint: Any, train: Any, ask: Any, tmp_path: Path
) -> None:
    base = checkpoint(name)
    loaded = load(base)
    question = ask(loaded.processor)
    with torch.no_grad():
        before = loaded.model(**question).logits
        model = prepare(loaded, train(**CHOICES[choice]))
        assert torch.equal(model.eval()(**question).logits, before)  # an adapter starts as no change
        shift(model)
        after = model(**question).logits
        assert (after - before).abs().max() > 1e-3
        save_adapter(model, tmp_path / "adapter")
        plain = AutoModelForImageTextToText.from_pretrained(base)
        again = PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).eval()
        assert torch.equal(again(**question).logits, after)
        assert torch.equal(load(tmp_path / "adapter").model(**question).logits, after)
    language = tmp_path / "adapter" / "language"
    assert language.is_dir() == (choice in ("lora and connector", "lora and vision"))
    if language.is_dir():
        assert all(
            ".language_model." in one and ".lora_" in one
            for one in load_file(language / "adapter_model.safetensors")
        )
        assert json.loads((language / "adapter_config.json").read_text())["modules_to_save"] is None


def test_the_language_export_is_the_adapter_without_its_connector(
    checkpoint: Any, train: Any, ask: Any, tmp_path: Path
) -> None:
    base = checkpoint("llava-next-mistral")
    loaded = load(base)
    question = ask(loaded.processor)
    model = prepare(loaded, train()).eval()
    shift(model)
    save_adapter(model, tmp_path / "adapter")
    with torch.no_grad():
        got = load(tmp_path / "adapter" / "language").model(**question).logits
        original = load(base).model.state_dict()
        for one, parameter in model.named_parameters():
            if ".lora_" not in one and parameter.requires_grad:
                parameter.copy_(original[plain_name(one)])
        assert torch.equal(got, model(**question).logits)


def test_the_same_weights_give_the_same_bytes_and_the_base_is_a_whole_path(
    checkpoint: Any, train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = checkpoint("llava-next-vicuna")
    monkeypatch.chdir(base.parent)
    model = prepare(load(base.name), train(vision="full"))
    save_adapter(model, tmp_path / "one")
    given = {one: parameter for one, parameter in model.named_parameters() if parameter.requires_grad}
    save_adapter(model, tmp_path / "two", state=given)
    for file in ("adapter_config.json", "adapter_model.safetensors", "language/adapter_config.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    config = json.loads((tmp_path / "one" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)
    save_adapter(model, tmp_path / "hub", base="someone/llava")
    config = json.loads((tmp_path / "hub" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "someone/llava"


def test_lora_targets_are_chosen_by_their_last_name_inside_the_language_model(
    checkpoint: Any, train: Any, lora: Any
) -> None:
    # q_proj is in the vision tower too.
    model = prepare(load(checkpoint("llava-clip-vicuna")), train(lora=lora(targets=["q_proj"])))
    adapted = {plain_name(one).partition(".lora_")[0] for one in learning(model) if ".lora_" in one}
    assert adapted == {f"model.language_model.layers.{layer}.self_attn.q_proj" for layer in (0, 1)}


def test_half_precision_weights_that_learn_become_float32(checkpoint: Any, train: Any) -> None:
    model = prepare(load(checkpoint("llava-next-vicuna"), dtype="bfloat16"), train())
    assert {(p.dtype, p.requires_grad) for p in model.parameters()} == {
        (torch.float32, True),
        (torch.bfloat16, False),
    }


def test_groups_have_the_rate_of_their_part_and_no_decay_for_vectors(checkpoint: Any, train: Any) -> None:
    model = prepare(load(checkpoint("llava-next-vicuna")), train(vision="full"))
    rates = {"vision": 1e-6, "connector": 2e-5, "language": 2e-4}
    groups = parameter_groups(model, rates, weight_decay=0.1)
    by_name = {group["name"]: group for group in groups}
    assert list(by_name) == ["vision", "vision, no decay", "connector", "connector, no decay", "language"]
    assert [by_name[name]["lr"] for name in by_name] == [1e-6, 1e-6, 2e-5, 2e-5, 2e-4]
    assert [by_name[name]["weight_decay"] for name in by_name] == [0.1, 0, 0.1, 0, 0.1]
    # linear_1, linear_2: weights; their biases and image_newline; two factors at seven layers of two blocks
    assert [len(by_name[name]["params"]) for name in list(by_name)[2:]] == [2, 3, 28]
    listed = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(listed) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    around = parameter_groups(nn.DataParallel(model), rates, weight_decay=0.1)
    assert [group["name"] for group in around] == list(by_name)
    with pytest.raises(UsageError, match=r"vision_tower.* learns, and no learning rate is given for vision"):
        parameter_groups(model, {"connector": 1e-5, "language": 1e-4})


def test_what_makes_no_sense_is_refused(checkpoint: Any, train: Any, lora: Any) -> None:
    loaded = load(checkpoint("llava-clip-vicuna"))
    with pytest.raises(UsageError, match="no part learns"):
        prepare(loaded, train(connector="frozen", language="frozen"))
    with pytest.raises(
        UsageError, match=r"LoRA target 'fc1' is no linear layer of the language model; expected all, or"
    ):
        prepare(loaded, train(lora=lora(targets=["q_proj", "fc1"])))
    twice = load(checkpoint("llava-siglip-vicuna"))
    adapted: Callable[..., Any] = prepare(twice, train())
    with pytest.raises(UsageError, match="has an adapter already"):
        prepare(type(loaded)(adapted, loaded.processor, loaded.family), train())


def test_the_head_and_the_embeddings_are_no_targets(checkpoint: Any) -> None:
    names = linear_layers(load(checkpoint("qwen2.5-vl")).model)
    assert len(names) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in names)
