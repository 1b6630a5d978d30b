"""Rows in which all conversations of an image share one copy of its tokens, with the loss of one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint

from llava_vsd.errors import PackingError
from llava_vsd.model.attention import IMAGE_SHARED, Layout, row_mask
from llava_vsd.model.encode import IGNORED
from llava_vsd.model.positions import Pixels, image_tokens, rope_positions

LOGITS_AT_ONCE = 2**25
"""Logits whose cross entropy is worked out at once: 128 MiB in float32."""


class Conversation(Protocol):
    """What a row needs of an encoded conversation: the tokens after the prefix, and a label at each of them."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def ids(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def labels(self) -> tuple[int, ...]: ...  # noqa: D102


@dataclass(frozen=True)
class Group:
    """An image with some of its conversations, or conversations of text alone, one a group.

    Args:
        image: id of the image; None for text alone.
        prefix: token ids up to and including the last one of the image, placeholders expanded; empty for text alone.
        pixels: what the model's processor makes of the image (`pixel_values` and its companions); None for text.
        members: at least one.
    """

    image: str | None
    prefix: tuple[int, ...]
    pixels: Pixels | None
    members: Sequence[Conversation]

    @property
    def tokens(self) -> int:
        """Length in a row."""
        return len(self.prefix) + sum(len(member.ids) for member in self.members)


@dataclass(frozen=True)
class Row:
    """What a model's forward takes, and what it should answer.

    Args:
        inputs: arguments of `forward`: `input_ids` [1, n] (unpacked: [conversations, longest]), positions or mask,
            pixels of all images one after another.
        labels: shape of `input_ids`; -100 where nothing is learned, else the token itself (the model shifts).
        keep: where logits are needed: places in the row [m] (unpacked: a boolean mask like `input_ids`).
        targets: the token to be predicted at each of them, shape [m].
        layout: the segments of a packed row; None for an unpacked one.
        ids: of the conversations, in their order.
        counts: learned tokens of each conversation.
    """

    inputs: dict[str, Tensor]
    labels: Tensor
    keep: Tensor
    targets: Tensor
    layout: Layout | None
    ids: tuple[str, ...] = field(default=())
    counts: tuple[int, ...] = field(default=())

    @property
    def learned(self) -> int:
        """Number of tokens that are learned."""
        return len(self.targets)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Row:
        """The row on another device; accelerate calls it as it does a tensor's."""
        moved = {
            name: tensor.to(device, non_blocking=non_blocking)
            for name, tensor in (*self.inputs.items(), *((name, getattr(self, name)) for name in _TENSORS))
        }
        own = {name: moved.pop(name) for name in _TENSORS}
        return replace(self, inputs=moved, **own)

    def pin_memory(self) -> Row:
        """The row in page-locked memory; a DataLoader with `pin_memory` calls it."""
        own = {name: getattr(self, name).pin_memory() for name in _TENSORS}
        return replace(
            self, inputs={name: tensor.pin_memory() for name, tensor in self.inputs.items()}, **own
        )


_TENSORS = ("labels", "keep", "targets")


def pack(groups: Sequence[Group], config: Any) -> Row:
    """Lays each group's conversations behind one copy of its prefix, groups one after another.

    Positions of every conversation continue from the end of its prefix, by the model's own rule.

    Args:
        groups: at least one, each with at least one conversation; a group without prefix has exactly one.
        config: the model's configuration.

    Raises:
        PackingError: a group without image tokens to share holds several conversations, or none.
    """
    segments: list[Segment] = []
    keep: list[int] = []
    targets: list[int] = []
    labels: list[int] = []
    counts: list[int] = []
    for group in groups:
        _check(group)
        parent = -1
        if group.prefix:
            parent = len(segments)
            segments.append(Segment(group.prefix, pixels=group.pixels))
            labels += [IGNORED] * len(group.prefix)
        shared = len(labels) - 1
        for member in group.members:
            # A token is predicted at the one before it: for the first, the last of the prefix.
            before = [len(labels) + place - 1 for place in range(len(member.ids))]
            before[0] = shared if group.prefix else -1
            learned = [
                (place, label)
                for place, label in zip(before, member.labels, strict=True)
                if label != IGNORED and place >= 0
            ]
            keep += [place for place, _ in learned]
            targets += [label for _, label in learned]
            counts.append(len(learned))
            labels += member.labels
            segments.append(Segment(member.ids, parent))
    inputs, layout = lay_out(segments, config)
    return Row(
        inputs=inputs,
        labels=torch.tensor([labels]),
        keep=torch.tensor(keep, dtype=torch.long),
        targets=torch.tensor(targets, dtype=torch.long),
        layout=layout,
        ids=_ids(groups),
        counts=tuple(counts),
    )


@dataclass(frozen=True)
class Segment:
    """A piece of a row: token ids, the number of its parent (-1: none), and what its image became."""

    ids: Sequence[int]
    parent: int = -1
    pixels: Pixels | None = None


def lay_out(segments: Sequence[Segment], config: Any) -> tuple[dict[str, Tensor], Layout]:
    """Tokens, positions and pixels of any tree of segments: the arguments of a model's forward, and the layout.

    A segment sees all of its ancestors and continues their positions.

    Raises:
        PackingError: a segment without tokens, or one that stands before its parent.
    """
    for number, segment in enumerate(segments):
        if not segment.ids or not -1 <= segment.parent < number:
            raise PackingError(f"segment {number}: expected tokens, and a parent before it (-1 for none)")
    parents = [segment.parent for segment in segments]
    pixels = [segment.pixels for segment in segments]
    inputs = {
        "input_ids": torch.tensor([list(chain.from_iterable(segment.ids for segment in segments))]),
        "position_ids": rope_positions(config, [segment.ids for segment in segments], parents, pixels),
        **joined_pixels([image for image in pixels if image]),
    }
    return inputs, Layout(tuple(len(segment.ids) for segment in segments), tuple(parents))


def unpacked(groups: Sequence[Group], config: Any) -> Row:
    """The same conversations one a line, padded on the right, each with its own copy of the prefix and the image.

    For families that `pack` does not cover, and to compare with: `model(**row.inputs, labels=row.labels)` is the
    plain forward.
    """
    ids, labels, pixels = [], [], []
    for group in groups:
        _check(group)
        for member in group.members:
            ids.append(torch.tensor(group.prefix + tuple(member.ids)))
            labels.append(torch.tensor((IGNORED,) * len(group.prefix) + tuple(member.labels)))
            if group.pixels:
                pixels.append(group.pixels)
    padded = pad_sequence(ids, batch_first=True, padding_value=config.get_text_config().pad_token_id or 0)
    target = pad_sequence(labels, batch_first=True, padding_value=IGNORED)
    # The token after each place, as the models shift.
    following = F.pad(target[:, 1:], (0, 1), value=IGNORED)
    keep = following != IGNORED
    mask = pad_sequence([torch.ones_like(line) for line in ids], batch_first=True)
    return Row(
        inputs={
            "input_ids": padded,
            "attention_mask": mask,
            **image_tokens(config, padded, mask),
            **joined_pixels(pixels),
        },
        labels=target,
        keep=keep,
        targets=following[keep],
        layout=None,
        ids=_ids(groups),
        counts=tuple(keep.sum(dim=1).tolist()),
    )


def token_losses(model: Any, row: Row) -> Tensor:
    """Cross entropy of each learned token, float32 [m], conversations in the order of `row.ids`.

    One call of the model's own forward, so that hooks of PEFT, DDP and FSDP run: the vision tower once an image, the
    language model once a token, logits only where a token is learned.

    Raises:
        PackingError: the model's attention cannot share images; see `attention.share_images`.
    """
    output = forward(model, row.inputs, row.layout, row.keep)
    return cross_entropies(output.logits.flatten(0, -2), row.targets)


def forward(
    model: Any, inputs: Mapping[str, Tensor], layout: Layout | None, keep: Tensor, *, cache: Any = None
) -> Any:
    """The output of the model's own forward for a row; its `logits` are those at `keep` alone.

    Args:
        model: with an attention that can share images, see `attention.share_images`.
        inputs: as `lay_out` gives them.
        layout: of the row; None for an unpacked one.
        keep: places whose logits are needed, shape [m]; or a boolean mask like `input_ids`.
        cache: an object like transformers' Cache, empty, which gets the keys and values of the row (in its order)
            and must give back the same.
    """
    more: dict[str, Any] = {"use_cache": False} if cache is None else {"use_cache": True, "cache": cache}
    if layout is not None:
        implementation = _implementation(model)
        more["attention_mask"] = row_mask(layout, implementation, keep.device)
        if implementation == IMAGE_SHARED:
            more["row_layout"] = layout
    return model(**inputs, **more, logits_to_keep=keep)


def loss(model: Any, row: Row, *, num_items: float | Tensor | None = None) -> Tensor:
    """Sum of the learned tokens' cross entropies over `num_items`; without it, over their number (the mean)."""
    losses = token_losses(model, row)
    return losses.sum() / (len(losses) if num_items is None else num_items)


def cross_entropies(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of each line, worked out in float32 whatever the type of the logits.

    Many lines go in pieces which the backward pass works out again: what is kept of them is then the logits alone,
    in their own type.

    Args:
        logits: shape [m, vocabulary].
        targets: shape [m].

    Returns:
        float32, shape [m].
    """
    lines = max(1, LOGITS_AT_ONCE // logits.shape[-1])
    if len(targets) <= lines:
        return _cross_entropies(logits, targets)
    pieces = [
        checkpoint(_cross_entropies, *piece, use_reentrant=False)
        for piece in zip(torch.split(logits, lines), torch.split(targets, lines), strict=True)
    ]
    return torch.cat(pieces)


def _cross_entropies(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.float(), targets, reduction="none")


def _implementation(model: Any) -> str:
    """Name of the language model's attention, through wrappers such as DDP."""
    while not hasattr(model, "config"):
        model = model.module
    return str(model.config.get_text_config()._attn_implementation)


def _check(group: Group) -> None:
    named = f"image {group.image}" if group.image is not None else "text"
    if not group.members or not all(member.ids for member in group.members):
        raise PackingError(f"{named}: a group needs conversations, and each of them tokens")
    if not group.prefix and len(group.members) > 1:
        raise PackingError(
            f"{named}: {len(group.members)} conversations without a prefix to share: expected 1"
        )


def _ids(groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(chain.from_iterable((member.id for member in group.members) for group in groups))


def joined_pixels(images: Sequence[Pixels]) -> dict[str, Tensor]:
    """Pixels of several images one after another; grids of unlike numbers of tiles are filled with empty tiles."""
    joined = {}
    for name in images[0] if images else ():
        tensors = [image[name] for image in images]
        if tensors[0].ndim == 5:  # [1, tiles, channels, height, width], as LLaVA-NeXT takes them
            tiles = max(tensor.shape[1] for tensor in tensors)
            tensors = [F.pad(tensor, (0,) * 6 + (0, tiles - tensor.shape[1])) for tensor in tensors]
        joined[name] = torch.cat(tensors)
    return joined
