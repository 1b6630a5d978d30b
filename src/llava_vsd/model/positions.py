"""Positions of the tokens of shared rows, by each family's own rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from transformers.models.auto.modeling_auto import MODEL_MAPPING

Pixels = Mapping[str, Tensor]
"""What a model's processor makes of an image: `pixel_values` and its companions."""


def rope_positions(
    config: Any, segments: Sequence[Sequence[int]], parents: Sequence[int], pixels: Sequence[Pixels | None]
) -> Tensor:
    """Positions of a row of segments, each of which goes on from the end of its parent.

    Args:
        config: the model's configuration.
        segments: token ids of each.
        parents: number of each segment's parent; -1 for none.
        pixels: of the image in each segment, with `image_grid_thw` where the family takes it; None for text.

    Returns:
        shape [1, n], or [3, 1, n] for a family with positions of three parts (time, height, width).
    """
    rule = _three_part_rule(config)
    parts = () if rule is None else (3,)
    places: list[Tensor] = []
    following: list[Tensor] = []
    for ids, parent, image in zip(segments, parents, pixels, strict=True):
        begin = following[parent] if parent >= 0 else torch.zeros(*parts, 1, 1, dtype=torch.long)
        if rule is None or image is None:
            steps = torch.arange(len(ids) + 1).expand(*parts, 1, -1)
        else:
            # One token of text after the image shows where the next segments continue.
            longer = torch.tensor([[*ids, config.image_token_id + 1]])
            steps, _ = rule(longer, image_grid_thw=image["image_grid_thw"], **image_tokens(config, longer))
        places.append(begin + steps[..., :-1])
        following.append(begin + steps[..., -1:])
    return torch.cat(places, dim=-1)


def image_tokens(config: Any, ids: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
    """`mm_token_type_ids`, 1 at tokens of an image, for the families whose positions need it; else nothing."""
    if _three_part_rule(config) is None:
        return {}
    kinds = (ids == config.image_token_id).int()
    return {"mm_token_type_ids": kinds if mask is None else kinds * mask.int()}


def _three_part_rule(config: Any) -> Any:
    """`get_rope_index` of the family's model where it has one: a method that reads nothing but the configuration."""
    kind = MODEL_MAPPING[type(config)]
    if not hasattr(kind, "get_rope_index"):
        return None
    owner = SimpleNamespace(config=config)
    for name in ("get_vision_position_ids", "get_rope_index"):
        setattr(owner, name, getattr(kind, name).__get__(owner))
    return owner.get_rope_index
