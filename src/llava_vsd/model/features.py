"""The vision tower apart from the rest: what it makes of a picture, and a forward that takes that in place of pixels.

The connector stays where it is, inside the model's own forward: it learns, and hooks run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches
from transformers.vision_utils import get_vision_window_index

from llava_vsd.errors import UsageError
from llava_vsd.model.families import family_of, parameters_of, parts_of
from llava_vsd.model.image_tokens import Size
from llava_vsd.model.positions import Pixels

PIXELS = "pixel_values"

_LAYERED = ("llava", "llava_next")
_WINDOWED = ("qwen2_5_vl",)
_CLASS_TOKENS = {"clip_vision_model": 1, "siglip_vision_model": 0}
"""Towers that take square tiles, and how many tokens they have beside a tile's patches."""

_OWN_TO_FILES = ("transformers_version", "_name_or_path", "dtype", "architectures")
"""What a configuration says of the file that it was read from, not of the tower."""


def refuse_unkept(config: Any) -> None:
    """Makes sure that this model's features can be kept.

    Raises:
        UsageError: how its tower hands on what it makes of a picture is not known here.
    """
    tower = config.vision_config.model_type
    if config.model_type in _WINDOWED or (config.model_type in _LAYERED and tower in _CLASS_TOKENS):
        return
    raise UsageError(
        f"keep_features: not known for {family_of(config).name} with a tower of type {tower}; "
        "expected keep_features: false"
    )


def feature_count(config: Any, size: Size, image_tokens: int) -> int:
    """How many numbers are kept of a picture.

    Args:
        config: the model's.
        size: height and width of the picture in pixels.
        image_tokens: that it takes in the language model.
    """
    layers = 1 if config.model_type in _WINDOWED else len(_layers(config))
    return layers * patch_count(config, size, image_tokens) * int(config.vision_config.hidden_size)


def patch_count(config: Any, size: Size, image_tokens: int) -> int:
    """How many places a picture takes in the vision tower, its tiles' class tokens among them; as `feature_count`.

    Raises:
        UsageError: not known for this family; see `refuse_unkept`.
    """
    refuse_unkept(config)
    vision = config.vision_config
    if config.model_type in _WINDOWED:
        return int(image_tokens * vision.spatial_merge_size**2)
    tiles = 1
    if pinpoints := getattr(config, "image_grid_pinpoints", None):
        tiles = image_size_to_num_patches(list(size), pinpoints, vision.image_size)
    return int(tiles * ((vision.image_size // vision.patch_size) ** 2 + _CLASS_TOKENS[vision.model_type]))


class Tower:
    """The vision tower of a model.

    What it makes of a picture takes the place of `pixel_values` and has its form, so that rows are packed and the
    model's forward cuts them as ever: LLaVA's [1, channels, height, width] become [1, layers, tokens, width of the
    tower], LLaVA-NeXT's have tiles before that; Qwen2.5-VL's [patches, pixels of one] become [patches, width of the
    tower], in the order of its windows.

    Args:
        model: as `prepare` gives it, not wrapped further.

    Raises:
        UsageError: see `refuse_unkept`.
    """

    def __init__(self, model: Any) -> None:
        plain: Any = model.get_base_model() if isinstance(model, PeftModel) else model
        self.config: Any = plain.config
        refuse_unkept(self.config)
        self.module: Any = plain.get_submodule(parts_of(plain)["vision"][0])
        self._weights = [(name, weight) for name, part, weight in parameters_of(plain) if part == "vision"]

    def digest(self) -> str:
        """SHA-256 of the weights of the tower, their types, and the settings that say what is taken from it."""
        vision = {
            key: value
            for key, value in self.config.vision_config.to_dict().items()
            if key not in _OWN_TO_FILES
        }
        layers = _layers(self.config) if self.config.model_type in _LAYERED else []
        made = sha256(
            json.dumps([self.config.model_type, layers, vision], sort_keys=True, default=str).encode()
        )
        for name, weight in self._weights:
            made.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            made.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return made.hexdigest()

    @torch.no_grad()
    def features(self, pictures: Sequence[Pixels]) -> list[dict[str, Tensor]]:
        """What the tower makes of pictures, on the CPU, each with the companions that its pixels have.

        Args:
            pictures: as the processor gives them.
        """
        values = torch.cat([_tiles(self.config, picture[PIXELS]) for picture in pictures])
        values = values.to(self.module.device, self.module.dtype)
        counts = [len(_tiles(self.config, picture[PIXELS])) for picture in pictures]
        if self.config.model_type in _WINDOWED:
            grid = torch.cat([picture["image_grid_thw"] for picture in pictures]).to(values.device)
            found = self.module(values, grid_thw=grid, return_dict=True).last_hidden_state
        else:
            layers = _layers(self.config)
            states = self.module(values, return_dict=True, output_hidden_states=layers).hidden_states
            found = torch.stack([states[layer] for layer in layers], dim=1)
        made = []
        for picture, one in zip(pictures, found.cpu().split(counts), strict=True):
            tiled = picture[PIXELS].ndim == 5
            made.append({**picture, PIXELS: one[None] if tiled else one})
        return made

    def stand_in(self) -> None:
        """From now on the tower takes features for pixels and hands them on; its weights stay, for what is saved."""
        self.module.forward = self._windows if self.config.model_type in _WINDOWED else self._hidden

    def _hidden(self, values: Tensor, **_: Any) -> BaseModelOutputWithPooling:
        states: Any = {layer: values[:, place] for place, layer in enumerate(_layers(self.config))}
        return BaseModelOutputWithPooling(hidden_states=states)

    def _windows(self, values: Tensor, grid_thw: Tensor, **_: Any) -> BaseModelOutputWithPooling:
        visual = self.module
        order, _ends = get_vision_window_index(
            grid_thw,
            spatial_merge_size=visual.spatial_merge_size,
            window_size=visual.window_size,
            patch_size=visual.patch_size,
        )
        merged = visual.merger(values)[torch.argsort(order).to(values.device)]
        return BaseModelOutputWithPooling(last_hidden_state=values, pooler_output=merged)


def _tiles(config: Any, values: Tensor) -> Tensor:
    """Tiles, or patches, one after another."""
    return values if config.model_type in _WINDOWED else values.flatten(0, -4)


def _layers(config: Any) -> list[int]:
    """The hidden states that the connector reads."""
    layers = config.vision_feature_layer
    return [layers] if isinstance(layers, int) else list(layers)
