"""Which weights learn, by part: LoRA inside the language model, parts trained whole; and adapters that PEFT reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.utils.constants import DUMMY_TARGET_MODULES
from safetensors.torch import save_file
from torch import nn

from llava_vsd.errors import UsageError
from llava_vsd.model.families import PARTS, Part, cover, parameters_of, part_of, parts_of, plain_name
from llava_vsd.model.load import ADAPTER_FILE, Loaded, quietly

WEIGHTS_FILE = "adapter_model.safetensors"
LANGUAGE_FOLDER = "language"

# Modules that follow the last layer of a vision tower; where the connector reads a hidden state they lead nowhere.
_AFTER_LAYERS = ("post_layernorm", "head")


class LoraParts(Protocol):
    """Low-rank adapters (Hu et al. 2021).

    Attributes:
        rank: of the two factors.
        alpha: their product is scaled by alpha / rank.
        dropout: of the adapter's input, 0-1.
        targets: last names of linear layers inside the language model, e.g. q_proj; all: every one but the head.
    """

    @property
    def rank(self) -> int: ...  # noqa: D102
    @property
    def alpha(self) -> int: ...  # noqa: D102
    @property
    def dropout(self) -> float: ...  # noqa: D102
    @property
    def targets(self) -> Literal["all"] | Sequence[str]: ...  # noqa: D102


class TrainParts(Protocol):
    """What of a model learns: each part frozen or full, the language model by adapters too, which `lora` describes."""

    @property
    def vision(self) -> Literal["frozen", "full"]: ...  # noqa: D102
    @property
    def connector(self) -> Literal["frozen", "full"]: ...  # noqa: D102
    @property
    def language(self) -> Literal["frozen", "full", "lora"]: ...  # noqa: D102
    @property
    def lora(self) -> LoraParts: ...  # noqa: D102


def prepare(loaded: Loaded, train: TrainParts) -> Any:
    """Freezes what does not learn and puts in the adapters; the model of `loaded` is changed in place.

    Unless the language model learns whole, the result is a `PeftModel`: LoRA on linear layers of the language model
    (none where it is frozen), and the modules of parts that learn whole under `modules_to_save`. A parameter that
    stands bare beside other parts (LLaVA-NeXT's `image_newline`, of the connector) cannot be listed there: it learns
    in place, and `save_adapter` writes it into the same file, from where PEFT loads it too.

    What learns is float32 afterwards, whatever the rest is; compute with autocast where that is less.

    Raises:
        UsageError: nothing learns, a LoRA target is no linear layer of the language model, or the model has adapters.
        UnknownFamilyError: the parts of the model cannot be told apart.
    """
    model = loaded.model
    if isinstance(model, PeftModel):
        raise UsageError("the model has an adapter already; expected it to be merged first (vsd merge)")
    whole = {part for part in PARTS if getattr(train, part) == "full"}
    idle = _idle(model)
    learning = [name for name, part, _ in parameters_of(model) if part in whole and name not in idle]
    if train.language == "lora":
        targets = _targets(model, train.lora.targets)
    elif learning:
        targets = DUMMY_TARGET_MODULES
    else:
        raise UsageError(
            "no part learns; expected vision, connector or language to be full, or language lora"
        )
    model.requires_grad_(False)
    if train.language == "full":
        in_place = set(learning)
    else:
        modules, bare = cover(model, learning)
        in_place = set(bare)
        config = LoraConfig(
            r=train.lora.rank,
            lora_alpha=train.lora.alpha,
            lora_dropout=train.lora.dropout,
            target_modules=targets,
            modules_to_save=modules or None,
        )
        with quietly():
            model = get_peft_model(model, config)
    for name, parameter in model.named_parameters():
        if plain_name(name) in in_place:
            parameter.requires_grad = True
        if parameter.requires_grad and parameter.dtype in (torch.float16, torch.bfloat16):
            parameter.data = parameter.data.float()
    return model


def parameter_groups(
    model: nn.Module, rates: Mapping[Part, float], *, weight_decay: float = 0.0
) -> list[dict[str, Any]]:
    """What learns, as groups for an optimizer with a learning rate for each part.

    Args:
        model: as `prepare` returns it, wrapped further or not.
        rates: peak learning rate of every part that learns.
        weight_decay: for matrices; vectors (biases, scales of norms, `image_newline`) have none.

    Returns:
        groups with `params`, `lr`, `weight_decay` and `name` (e.g. "connector", "connector, no decay"), in this order
        of parts: vision, connector, language.

    Raises:
        UsageError: a part learns and has no rate.
    """
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, part, parameter in parameters_of(model):
        if parameter.requires_grad:
            if part is None or part not in rates:
                raise UsageError(
                    f"{name} learns, and no learning rate is given for {part or 'what is in no part'}"
                )
            groups.setdefault((part, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": groups[part, matrices],
            "lr": rates[part],
            "weight_decay": weight_decay if matrices else 0.0,
            "name": part if matrices else f"{part}, no decay",
        }
        for part in rates
        for matrices in (True, False)
        if (part, matrices) in groups
    ]


def save_adapter(
    model: PeftModel,
    folder: str | Path,
    *,
    state: Mapping[str, torch.Tensor] | None = None,
    base: str | None = None,
) -> None:
    """Writes what learned as an adapter that `PeftModel.from_pretrained(base, folder)` loads.

    Beside LoRA weights it holds the parts that learned whole. Where there are both, `folder/language` is an adapter of
    the LoRA weights alone, for servers that refuse the rest; with it they answer as if the connector were not tuned.

    Args:
        model: as `prepare` returned it.
        folder: made where it is not there; files of the same names are replaced.
        state: weights under their names in the model, at least those that learn; for models whose own are divided
            among processes. Default: taken from the model.
        base: what the adapter says it is for; default: what the model was loaded from.
    """
    folder = Path(folder)
    config: Any = copy(model.peft_config["default"])
    config.base_model_name_or_path = base or _origin(config.base_model_name_or_path)
    config.inference_mode = True
    given = dict(state) if state is not None else model.state_dict()
    weights = get_peft_model_state_dict(model, given, save_embedding_layers=False)
    in_place = _in_place(model)
    for name, tensor in given.items():
        if ".modules_to_save." not in name and plain_name(name) in in_place:
            weights[f"base_model.model.{plain_name(name)}"] = tensor
    _write(folder, config, weights)
    lora = {name: tensor for name, tensor in weights.items() if ".lora_" in name}
    if lora and len(lora) < len(weights):
        alone = copy(config)
        alone.modules_to_save = None
        _write(folder / LANGUAGE_FOLDER, alone, lora)


def _write(folder: Path, config: Any, weights: Mapping[str, torch.Tensor]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(weights.items())}
    save_file(whole, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    config.save_pretrained(str(folder))
    file = folder / ADAPTER_FILE  # once more, so that the same run writes the same bytes
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")), indent=2, sort_keys=True) + "\n", "utf-8")


def _in_place(model: PeftModel) -> set[str]:
    """Plain names of parameters that learn in place, outside PEFT's own modules."""
    return {
        plain_name(name)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and ".lora_" not in name and ".modules_to_save." not in name
    }


def _origin(name: str | None) -> str | None:
    """A folder by its whole path, so that the adapter finds it from anywhere; a hub name as it is."""
    return str(Path(name).resolve()) if name and Path(name).is_dir() else name


def _targets(model: nn.Module, wanted: Literal["all"] | Sequence[str]) -> str:
    """A pattern for the full names of the linear layers, each inside the language part."""
    linear = linear_layers(model)
    last = {name.rpartition(".")[2] for name in linear}
    if wanted != "all" and (unknown := set(wanted) - last):
        raise UsageError(
            f"LoRA target {min(unknown)!r} is no linear layer of the language model; expected all, or some of "
            + ", ".join(sorted(last))
        )
    root = parts_of(model)["language"][0]
    chosen = sorted(last if wanted == "all" else set(wanted))
    return rf"{re.escape(root)}\.(.*\.)?({'|'.join(map(re.escape, chosen))})"


def linear_layers(model: nn.Module) -> list[str]:
    """Full names of the linear layers inside the language part, without the output head."""
    parts = parts_of(model)
    head = model.get_output_embeddings()  # type: ignore[operator]
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head and part_of(name, parts) == "language"
    ]


def _idle(model: Any) -> set[str]:
    """Names of weights of the vision tower behind the hidden state that the connector reads: they get no gradient."""
    layers = getattr(model.config, "vision_feature_layer", None)
    if layers is None:
        return set()
    depth = model.config.vision_config.num_hidden_layers
    indices = [layers] if isinstance(layers, int) else layers
    last = max(
        index if index >= 0 else depth + 1 + index for index in indices
    )  # hidden state 0 goes into layer 0
    idle = set()
    for name, part, _ in parameters_of(model):
        found = re.search(r"\.layers\.(\d+)\.", name)
        if part == "vision" and (
            (found and int(found[1]) >= last) or set(_AFTER_LAYERS) & set(name.split("."))
        ):
            idle.add(name)
    return idle
