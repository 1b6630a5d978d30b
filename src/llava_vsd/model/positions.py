"""Positions of the tokens of shared rows, by each family's own rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from transformers.models.auto.modeling_auto import MODEL_MAPPING


def rope_positions(
    config: Any, prefix: Sequence[int], members: Sequence[int], pixels: Mapping[str, Tensor] | None
) -> list[Tensor]:
    """Positions of a prefix, then of each conversation, all of which continue from the same place.

    Args:
        config: the model's configuration.
        prefix: token ids of the prefix.
        members: lengths of the conversations.
        pixels: of the prefix's image; `image_grid_thw` where the family takes it.

    Returns:
        a tensor for the prefix and one for each conversation, shape [1, n], or [3, 1, n] for a family with
        positions of three parts (time, height, width).
    """
    rule = _three_part_rule(config)
    if rule is None or pixels is None:
        parts = () if rule is None else (3,)
        begin = torch.zeros(*parts, 1, 1, dtype=torch.long)
        before = [torch.arange(len(prefix)).expand(*parts, 1, -1)]
        following = begin + len(prefix)
    else:
        # One token of text after the prefix shows where conversations continue.
        ids = torch.tensor([[*prefix, 0]])
        ids[0, -1] = config.image_token_id + 1
        places, _ = rule(ids, image_grid_thw=pixels["image_grid_thw"], **image_tokens(config, ids))
        before, following = [places[..., :-1]], places[..., -1:]
    return before + [following + torch.arange(size) for size in members]


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
