"""Attention over rows in which conversations share an image: each sees its image's prefix and itself, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from ..errors import PackingError

IMAGE_SHARED = "image_shared"
"""Name of the split attention among transformers' attention implementations."""


class Span(NamedTuple):
    """Where one group lies in a row: its prefix, then its conversations.

    Plain integers in a named tuple pass through DDP's and FSDP's handling of keyword arguments unchanged.
    """

    start: int
    prefix: int
    members: tuple[int, ...]

    @property
    def end(self) -> int:
        """The place after the last conversation."""
        return self.start + self.prefix + sum(self.members)


Layout = tuple[Span, ...]
"""The groups of a row, which fill it without gaps."""


def share_images(model: Any) -> str:
    """Sets the language model's attention to the kind that is fastest for rows with shared images.

    flex_attention's block mask on GPUs of compute capability 8 and above, the split attention elsewhere. The vision
    tower keeps its own. Call it once, after the model is on its device; returns the name of the kind.
    """
    device = next(model.parameters()).device
    large = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    name = "flex_attention" if large else IMAGE_SHARED
    model.set_attn_implementation({"text_config": name})
    return name


def row_mask(layout: Layout, implementation: str, device: torch.device) -> Tensor | BlockMask:
    """The mask that `implementation` needs for a row, built once and used by every layer.

    All are four-dimensional, which transformers hands on as they are. A mask for one implementation does not fit
    the shapes of another, so that a mistaken one fails instead of giving a wrong loss.
    """
    length = layout[-1].end
    if implementation == IMAGE_SHARED:
        return _tails(layout, device)
    if implementation == "flex_attention":
        return create_block_mask(_sees(layout, device), None, None, length, length, device=device)
    if implementation == "sdpa":
        places = torch.arange(length, device=device)
        dense: Tensor = _sees(layout, device)(None, None, places[:, None], places[None, :])
        return dense[None, None]
    raise PackingError(
        f"attention {implementation!r} cannot share an image among conversations: "
        f"expected {IMAGE_SHARED}, flex_attention or sdpa"
    )


def _sees(layout: Layout, device: torch.device) -> Callable[[Any, Any, Tensor, Tensor], Tensor]:
    """The mask as a function of (batch, head, query place, key place), in flex_attention's form."""
    pieces = []
    for span in layout:
        shared = span.start + span.prefix
        own = span.start
        for size in (span.prefix, *span.members):
            pieces.append((span.start, shared, own, size))
            own += size
    table = torch.tensor(pieces, device=device)
    start, shared, own = table[:, :3].repeat_interleave(table[:, 3], dim=0).T.contiguous()

    def sees(batch: Any, head: Any, query: Tensor, key: Tensor) -> Tensor:
        return (key <= query) & ((key >= own[query]) | ((key >= start[query]) & (key < shared[query])))

    return sees


def _tails(layout: Layout, device: torch.device) -> Tensor:
    """One mask from which each conversation of the row cuts its own.

    Aligned at the end of the longest prefix: row i sees all columns up to `longest prefix + i`. A conversation of n
    tokens after p shared ones takes the first n rows, and p columns before and n after the end of the prefix. The
    first conversation of a group needs none.
    """
    prefix = max((span.prefix for span in layout if len(span.members) > 1), default=0)
    size = max((size for span in layout for size in span.members[1:]), default=0)
    return torch.ones(size, prefix + size, dtype=torch.bool, device=device).tril(prefix)[None, None]


def image_shared_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    row_layout: Layout | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention of one row in pieces; without `row_layout` it is transformers' own scaled dot product.

    The prefix and the first conversation after it are one ordinary causal sequence, for which kernels skip the half
    above the diagonal; every further conversation attends to the prefix and its own tokens.

    Args:
        module: the attention layer that calls.
        query: shape [1, heads, n, size].
        key: shape [1, key heads, n, size].
        value: as `key`.
        attention_mask: of `row_mask`.
        dropout: probability.
        scaling: of the scores.
        row_layout: the groups of the row.
        kwargs: further settings of the layer; those that change which tokens are seen are refused.

    Returns:
        shape [1, n, heads, size]; no weights.

    Raises:
        PackingError: the layer has a window shorter than prefix and conversation, or another kind of score.
    """
    if row_layout is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    assert attention_mask is not None
    _refuse(row_layout, kwargs)
    longest = attention_mask.shape[-1] - attention_mask.shape[-2]
    grouped = query.shape[1] != key.shape[1]
    outputs = []

    def attend(begin: int, end: int, keys: Tensor, values: Tensor, mask: Tensor | None) -> None:
        if grouped and mask is not None and query.device.type != "cpu":
            # Only the CPU's fused kernel takes a mask and grouped heads together.
            times = query.shape[1] // key.shape[1]
            keys, values = keys.repeat_interleave(times, dim=1), values.repeat_interleave(times, dim=1)
        output = F.scaled_dot_product_attention(
            query[:, :, begin:end],
            keys,
            values,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=mask is None,
            scale=scaling,
            enable_gqa=keys.shape[1] != query.shape[1],
        )
        outputs.append(output.transpose(1, 2))

    for start, prefix, (first, *others) in row_layout:
        shared, begin = start + prefix, start + prefix + first
        attend(start, begin, key[:, :, start:begin], value[:, :, start:begin], None)
        for size in others:
            end = begin + size
            keys, values = (
                torch.cat((tensor[:, :, start:shared], tensor[:, :, begin:end]), dim=2)
                for tensor in (key, value)
            )
            mask = attention_mask[:, :, :size, longest - prefix : longest + size]
            attend(begin, end, keys, values, mask)
            begin = end
    return torch.cat(outputs, dim=1), None


def _refuse(layout: Layout, settings: dict[str, Any]) -> None:
    """Raises where a layer does more than causal attention."""
    window = settings.get("sliding_window")
    reach = max(span.prefix + max(span.members) for span in layout)
    if window is not None and window < reach:
        raise PackingError(
            f"the model sees {window:,} tokens back, prefix and conversation have {reach:,}: train it unpacked"
        )
    for name in ("softcap", "position_bias", "s_aux"):
        if settings.get(name) is not None:
            raise PackingError(
                f"attention with {name} cannot share an image among conversations: train it unpacked"
            )


AttentionInterface.register(IMAGE_SHARED, image_shared_attention)
# Without a layout (generation, unpacked batches) the model needs the masks of scaled dot product attention.
AttentionMaskInterface.register(IMAGE_SHARED, sdpa_mask)
