"""Attention over rows in which conversations share an image: each sees its image's prefix and itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from torch.utils.checkpoint import checkpoint
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from llava_vsd.errors import PackingError

IMAGE_SHARED = "image_shared"
"""Name of the split attention among transformers' attention implementations."""

SHARING = (IMAGE_SHARED, "flex_attention", "sdpa")
"""Implementations that take a mask in which conversations share an image."""

TILE = 256
"""Queries of one matrix product where attention is made of plain products."""

KEPT_KEYS = 1024
"""Keys up to which such attention keeps its weights for the backward pass."""


class Layout(NamedTuple):
    """A row as a tree of segments, which fill it without gaps.

    A token sees the whole of its segment's ancestors, and what is not after it in its own segment. In training the
    prefix with the image is the parent of each of its conversations. Plain integers in a named tuple pass through
    DDP's and FSDP's handling of keyword arguments unchanged.

    Args:
        sizes: tokens of each segment, in the order of the row.
        parents: number of each segment's parent, which stands before it; -1 for none.
    """

    sizes: tuple[int, ...]
    parents: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Length of the row."""
        return sum(self.sizes)


class Run(NamedTuple):
    """Segments one after another, each the parent of the next: one causal sequence behind what all of them see."""

    begin: int
    end: int
    context: tuple[tuple[int, int], ...]

    @property
    def before(self) -> int:
        """Number of tokens in the context."""
        return sum(end - begin for begin, end in self.context)


@lru_cache(maxsize=64)
def runs(layout: Layout) -> tuple[Run, ...]:
    """The runs that a row falls into; places in `context` are (begin, end), neighbours joined.

    The first child of a segment goes on in the segment's own run, so that a row of one conversation is a single run.
    """
    begins = [0, *accumulate(layout.sizes)]
    found: list[Run] = []
    for number, parent in enumerate(layout.parents):
        begin, end = begins[number : number + 2]
        if parent >= 0 and parent == number - 1:
            found[-1] = found[-1]._replace(end=end)
            continue
        context: list[tuple[int, int]] = []
        while parent >= 0:
            after = context.pop(0) if context and context[0][0] == begins[parent + 1] else None
            context.insert(0, (begins[parent], after[1] if after else begins[parent + 1]))
            parent = layout.parents[parent]
        found.append(Run(begin, end, tuple(context)))
    return tuple(found)


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
    length = layout.tokens
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
        f"expected one of {', '.join(SHARING)}"
    )


def _sees(layout: Layout, device: torch.device) -> Callable[[Any, Any, Any, Any], Any]:
    """The mask as a function of (batch, head, query place, key place), in flex_attention's form."""
    count = len(layout.sizes)
    related = torch.eye(count, dtype=torch.bool)
    for number, parent in enumerate(layout.parents):
        if parent >= 0:
            related[number] |= related[parent]
    related = related.to(device)
    segment = torch.arange(count, device=device).repeat_interleave(torch.tensor(layout.sizes, device=device))

    def sees(batch: Any, head: Any, query: Any, key: Any) -> Any:
        return (key <= query) & related[segment[query], segment[key]]

    return sees


def _tails(layout: Layout, device: torch.device) -> Tensor:
    """One mask from which each run of the row cuts its own.

    Aligned at the end of the longest context: row i sees all columns up to `longest + i`. A run of n tokens after c
    others takes the first n rows, and c columns before and n after the end of the context. A run without context
    needs none.
    """
    behind = [run for run in runs(layout) if run.context]
    longest = max((run.before for run in behind), default=0)
    size = max((run.end - run.begin for run in behind), default=0)
    return torch.ones(size, longest + size, dtype=torch.bool, device=device).tril(longest)[None, None]


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
    above the diagonal; every further conversation attends to the prefix and its own tokens. See `runs`.

    Args:
        module: the attention layer that calls.
        query: shape [1, heads, n, size].
        key: shape [1, key heads, n, size].
        value: as `key`.
        attention_mask: of `row_mask`.
        dropout: probability.
        scaling: of the scores.
        row_layout: the segments of the row.
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

    # bfloat16 on a CPU: its fused kernel leaves the matrix units idle.
    products = value.device.type == "cpu" and value.dtype == torch.bfloat16 and not dropout

    def attend(begin: int, end: int, keys: Tensor, values: Tensor, mask: Tensor | None) -> None:
        if products:
            outputs.append(_by_products(query[:, :, begin:end], keys, values, scaling))
            return
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

    for run in runs(row_layout):
        size, before = run.end - run.begin, run.before
        pieces = (*run.context, (run.begin, run.end))
        keys, values = (_take(tensor, pieces) for tensor in (key, value))
        mask = attention_mask[:, :, :size, longest - before : longest + size] if before else None
        attend(run.begin, run.end, keys, values, mask)
    return torch.cat(outputs, dim=1), None


def _by_products(query: Tensor, keys: Tensor, values: Tensor, scaling: float | None) -> Tensor:
    """Attention of the last n of c + n tokens to all before them, by plain matrix products in tiles of queries.

    A tile leaves out the keys after it. Heads that share keys form one product. Weights are kept for the backward
    pass up to `KEPT_KEYS` keys, and worked out again for more.

    Args:
        query: shape [1, heads, n, size].
        keys: shape [1, key heads, c + n, size].
        values: as `keys`.
        scaling: of the scores; None for 1 / sqrt(size).

    Returns:
        shape [1, n, heads, size], in the type of `values`.
    """
    _, heads, count, size = query.shape
    shared = keys.shape[1]
    before = keys.shape[2] - count
    query = (query * (size**-0.5 if scaling is None else scaling)).to(values.dtype)
    keys = keys.to(values.dtype)

    def tile(begin: int, end: int) -> Tensor:
        rows, seen = end - begin, before + end
        scores = query[0, :, begin:end].reshape(shared, -1, size) @ keys[0, :, :seen].transpose(1, 2)
        later = torch.full((rows, seen), -torch.inf, dtype=scores.dtype).triu(seen - rows + 1)
        weights = (scores.view(-1, rows, seen) + later).softmax(-1).to(values.dtype)
        output = weights.view(shared, -1, seen) @ values[0, :, :seen]
        return output.view(heads, rows, size).transpose(0, 1)

    tiles = []
    for begin in range(0, count, TILE):
        end = min(begin + TILE, count)
        if before + end <= KEPT_KEYS:
            tiles.append(tile(begin, end))
        else:
            tiles.append(checkpoint(tile, begin, end, use_reentrant=False, preserve_rng_state=False))
    return torch.cat(tiles)[None]


def _take(tensor: Tensor, pieces: Sequence[tuple[int, int]]) -> Tensor:
    """The tokens at `pieces`, shape [1, heads, n, size]; a view where it is one piece."""
    taken = [tensor[:, :, begin:end] for begin, end in pieces]
    return taken[0] if len(taken) == 1 else torch.cat(taken, dim=2)


def _refuse(layout: Layout, settings: dict[str, Any]) -> None:
    """Raises where a layer does more than causal attention."""
    window = settings.get("sliding_window")
    reach = max(run.before + run.end - run.begin for run in runs(layout))
    if window is not None and window < reach:
        raise PackingError(
            f"the model sees {window:,} tokens back, the row's segments reach {reach:,}: train it unpacked"
        )
    for name in ("softcap", "position_bias", "s_aux"):
        if settings.get(name) is not None:
            raise PackingError(
                f"attention with {name} cannot share an image among conversations: train it unpacked"
            )


AttentionInterface.register(IMAGE_SHARED, image_shared_attention)
# Without a layout (generation, unpacked batches) the model needs the masks of scaled dot product attention.
AttentionMaskInterface.register(IMAGE_SHARED, sdpa_mask)
