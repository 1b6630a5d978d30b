"""How much memory training takes on each GPU, worked out from the model's dimensions before any is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

GIB = 1 << 30
GPUS = (1, 2, 4, 8, 16, 32, 64)

_GATED = ("qwen2_5_vl",)

Launch = Literal["ddp", "zero2", "fsdp"]
"""What is divided among GPUs: nothing, gradients and optimizer, or weights too (FSDP, ZeRO-3)."""


@dataclass(frozen=True)
class Tower:
    """Dimensions of a vision tower; `gated`: its feed-forward layers are, with RMS norms, as in Qwen2.5-VL's."""

    hidden: int
    layers: int
    intermediate: int
    gated: bool = False


@dataclass(frozen=True)
class Model:
    """Dimensions of a model.

    Attributes:
        parameters: of each part.
        hidden, layers, intermediate, vocabulary: of the language model.
        key_values: hidden size of keys and values, less than `hidden` with grouped heads.
        tower: the vision tower's, where its configuration tells them.
    """

    parameters: Mapping[str, int]
    hidden: int
    layers: int
    intermediate: int
    key_values: int
    vocabulary: int
    tower: Tower | None = None


@dataclass(frozen=True)
class Load:
    """What a step puts on a GPU at a time.

    Attributes:
        row_tokens: the longest row.
        learned: the most tokens with a label in one row.
        trained: trained parameters, adapters included.
        weight_bytes: of a frozen parameter (2 in bfloat16; 0.56 in 4 bits with their scales).
        frozen: frozen parameters.
        checkpointing: whether a layer's activations are computed again in the backward pass.
        patches: what the vision tower sees of the pictures of one row, at most; 0 where it does not learn.
    """

    row_tokens: int
    learned: int
    trained: int
    frozen: int
    weight_bytes: float = 2.0
    checkpointing: bool = True
    patches: int = 0


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """With 1.5 GiB for the CUDA context, the libraries' workspaces and what the allocator cannot use."""
        return self.weights + self.gradients + self.optimizer + self.activations + 1.5 * GIB


def model_of(model: Any) -> Model:
    """Dimensions of a model; it may be on the `meta` device, where it takes no memory."""
    from llava_vsd.model.families import PARTS, parameters_of

    counts: dict[str, int] = dict.fromkeys(PARTS, 0)
    for _, part, parameter in parameters_of(model):
        if part is not None:
            counts[part] += parameter.numel()
    text = model.config.get_text_config()
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    return Model(
        counts,
        text.hidden_size,
        text.num_hidden_layers,
        text.intermediate_size,
        head * heads,
        text.vocab_size,
        _tower_of(model.config),
    )


def _tower_of(config: Any) -> Tower | None:
    vision = getattr(config, "vision_config", None)
    layers = getattr(vision, "num_hidden_layers", None) or getattr(vision, "depth", None)
    hidden, intermediate = (getattr(vision, name, None) for name in ("hidden_size", "intermediate_size"))
    if not (hidden and intermediate and layers):
        return None
    return Tower(hidden, layers, intermediate, config.model_type in _GATED)


def memory(model: Model, load: Load, launch: Launch, gpus: int) -> Memory:
    """What one of `gpus` holds at the fullest moment of a step.

    Weights: frozen ones in `weight_bytes`, trained ones in float32 (4 bytes), with 4 bytes of gradient and 8 of Adam's
    two moments. Activations in 2 bytes: with checkpointing the input of each layer and all of one layer; without it all
    of every layer (after Korthikanti et al. 2022, for a fused attention and a gated feed-forward layer). Logits at
    learned tokens alone, with their gradient in 2 bytes and, a piece at a time, in 4. With `fsdp` the whole weights of
    two layers are there besides, one in use and one being fetched. A vision tower that learns keeps what `_tower` says.
    """
    split = {"ddp": (1, 1), "zero2": (1, gpus), "fsdp": (gpus, gpus)}[launch]
    weights = load.frozen * load.weight_bytes + 4.0 * load.trained
    layer_weights = model.parameters["language"] / model.layers * load.weight_bytes if split[0] > 1 else 0.0
    return Memory(
        weights=weights / split[0] + 2 * layer_weights,
        gradients=4.0 * load.trained / split[1],
        optimizer=8.0 * load.trained / split[1],
        activations=_activations(model, load),
    )


def _activations(model: Model, load: Load) -> float:
    # Values of a token: input, its norm, query, attention's result, second norm and residual are as wide as the hidden
    # state; key and value; gate, up, activated gate and their product in the feed-forward layer.
    layer = 2.0 * load.row_tokens * (6 * model.hidden + 2 * model.key_values + 4 * model.intermediate)
    inputs = 2.0 * load.row_tokens * model.hidden * model.layers
    kept = inputs + layer if load.checkpointing else layer * model.layers
    at_once = min(load.learned * model.vocabulary, 1 << 25)  # as `model.packing` cuts them
    language = kept + 2.0 * 2 * load.learned * model.vocabulary + 3 * 4.0 * at_once
    tower_kept, tower_layer = _tower(model.tower, load)
    return tower_kept + max(language, tower_layer)  # the tower's turn in the backward pass comes last


def _tower(tower: Tower | None, load: Load) -> tuple[float, float]:
    """Bytes that a tower that learns keeps until the backward pass is through, and those of the layer at work.

    Its weights are float32 (they learn), so its hidden states are too: a layer keeps its input and the middle one in 4
    bytes, and in 2 what products take and give: three copies of the first norm, query, key, value, attention's result,
    second norm; then hidden, sigmoid and activated values of the feed-forward layer, or of a gated one gate, up,
    activated gate and product, besides both RMS norms in 4 bytes.
    """
    if tower is None or not load.patches:
        return 0.0, 0.0
    full, wide = (4, 4) if tower.gated else (2, 3)
    layer = load.patches * (4.0 * full * tower.hidden + 2.0 * (8 * tower.hidden + wide * tower.intermediate))
    if load.checkpointing:
        return 4.0 * load.patches * tower.hidden * tower.layers, layer
    return layer * tower.layers, 0.0
