"""Keys and values for many answers at once: those of an image stand there once, whatever is asked about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

PREFIX_SHARED = "prefix_shared"
"""Name of the attention of one new token a row among transformers' attention implementations."""

_ROOM = 32
"""New tokens for which memory is taken at a time."""

Span = tuple[int, int]


class SharedKeys:
    """What a language model remembers of images and of the questions about them, while it answers.

    A rectangle of rows: some images, and as many rows for each as the most that one of them has; rows that stand for
    nothing fill it up. An image's keys serve all of its rows. Each row has its own for the question and what has been
    answered so far, questions aligned at their ends.

    Serves as the cache of a forward pass over one new token a row, shape [rows, 1], and as the `shared_keys` of
    `prefix_shared_attention`.

    Args:
        layers: keys and values of a packed row, a pair a layer, each of shape [1, heads, n, size].
        prefixes: places of each image's prefix in the row.
        questions: places of the questions about each image; the same question may stand several times.
    """

    def __init__(
        self,
        layers: Sequence[tuple[Tensor, Tensor]],
        prefixes: Sequence[Span],
        questions: Sequence[Sequence[Span]],
    ) -> None:
        self.images, self.width = len(prefixes), max(map(len, questions))
        spans = [[*rows, *[rows[-1]] * (self.width - len(rows))] for rows in questions]
        device, dtype = layers[0][0].device, layers[0][0].dtype
        before, hidden = _places(prefixes, left=False)
        own, padded = _places([span for rows in spans for span in rows], left=True)
        self._used = own.shape[1]
        self._prefix_hidden = _penalty(hidden, dtype).to(device)
        self._padded = _penalty(padded, dtype).to(device)
        room = (0, 0, 0, _ROOM)
        self._prefix: list[tuple[Tensor, Tensor]] = []
        self._own: list[list[Tensor]] = []
        before, own = before.to(device), own.to(device)
        for pair in layers:
            keys, values = (tensor[0][:, before].transpose(0, 1).contiguous() for tensor in pair)
            self._prefix.append((keys, values))
            taken = [tensor[0][:, own].transpose(0, 1) for tensor in pair]
            self._own.append([torch.nn.functional.pad(tensor, room) for tensor in taken])
        self._mask = self._whole_mask()

    @property
    def rows(self) -> int:
        """How many rows a forward pass has."""
        return self.images * self.width

    def advance(self) -> None:
        """Makes a place for one more token in each row; to be called before each forward pass."""
        if self._used == self._own[0][0].shape[2]:
            for pair in self._own:
                pair[:] = [torch.nn.functional.pad(tensor, (0, 0, 0, _ROOM)) for tensor in pair]
        self._used += 1
        self._mask = self._whole_mask()

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Takes up the new token's keys and values, shape [rows, heads, 1, size]; gives them back."""
        for kept, new in zip(self._own[layer], (keys, values), strict=True):
            kept[:, :, self._used - 1 : self._used] = new
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        """Tokens before the new one, fill-ins included; transformers asks for it."""
        return self._prefix[layer][0].shape[2] + self._used - 1

    def attend(self, layer: int, query: Tensor, scaling: float) -> Tensor:
        """Attention of the new tokens.

        Args:
            layer: number of the layer.
            query: shape [rows, heads, 1, size].
            scaling: of the scores.

        Returns:
            shape [rows, 1, heads, size].
        """
        rows, heads, _, size = query.shape
        (prefix_keys, prefix_values), (own_keys, own_values) = self._prefix[layer], self._own[layer]
        kinds = prefix_keys.shape[1]  # heads that share keys are one matrix
        each = heads // kinds
        own_keys, own_values = own_keys[:, :, : self._used], own_values[:, :, : self._used]
        query = (query * scaling).view(rows, kinds, each, size)
        of_image = query.view(self.images, self.width, kinds, each, size).transpose(1, 2)
        to_prefix = of_image.reshape(self.images, kinds, -1, size) @ prefix_keys.transpose(2, 3)
        to_own = (query @ own_keys.transpose(2, 3)).view(self.images, self.width, kinds, each, -1)
        scores = torch.cat(
            [
                to_prefix.view(self.images, kinds, self.width, each, -1),
                to_own.transpose(1, 2),
            ],
            dim=-1,
        )
        weights = (scores + self._mask).softmax(-1, dtype=torch.float32).to(query.dtype)
        on_prefix, on_own = torch.split(weights, [prefix_keys.shape[2], self._used], dim=-1)
        output = on_prefix.reshape(self.images, kinds, self.width * each, -1) @ prefix_values
        output = output.view(self.images, kinds, self.width, each, size).transpose(1, 2)
        own = on_own.transpose(1, 2).reshape(rows, kinds, each, -1) @ own_values
        whole: Tensor = output.reshape(rows, kinds, each, size) + own
        return whole.reshape(rows, 1, heads, size)

    def order(self, sources: Tensor) -> None:
        """Puts in place of each row another one of the same image; `sources` has a row number each."""
        self._padded = self._padded[sources]
        for pair in self._own:
            pair[:] = [tensor[sources] for tensor in pair]

    def keep(self, rows: Sequence[int]) -> list[int]:
        """Lets go of all other rows, and of images without any.

        Returns:
            for each row of the smaller rectangle the one that it was; what fills it up repeats another.
        """
        groups: dict[int, list[int]] = {}
        for row in rows:
            groups.setdefault(row // self.width, []).append(row)
        width = max(map(len, groups.values()))
        sources = [[*group, *group[-1:] * (width - len(group))] for group in groups.values()]
        device = self._padded.device
        if len(groups) < self.images:
            images = torch.tensor(list(groups), device=device)
            self._prefix = [(keys[images], values[images]) for keys, values in self._prefix]
            self._prefix_hidden = self._prefix_hidden[images]
        self.images, self.width = len(groups), width
        self.order(torch.tensor(sources, device=device).flatten())
        self._mask = self._whole_mask()
        return [row for group in sources for row in group]

    def _whole_mask(self) -> Tensor:
        """What is added to scores, shape [images, 1, width, 1, prefix + own]."""
        prefix = self._prefix_hidden[:, None].expand(-1, self.width, -1)
        answered = self._used - self._padded.shape[1]
        own = torch.nn.functional.pad(self._padded, (0, answered)).view(self.images, self.width, -1)
        return torch.cat([prefix, own], dim=-1)[:, None, :, None]


def _places(spans: Sequence[Span], *, left: bool) -> tuple[Tensor, Tensor]:
    """Places of each span, filled up to the longest with place 0, and which of them are fill-ins."""
    longest = max(end - begin for begin, end in spans)
    lines = [list(range(*span)) for span in spans]
    filled = [
        [0] * (longest - len(line)) + line if left else line + [0] * (longest - len(line)) for line in lines
    ]
    count = torch.arange(longest)
    lengths = torch.tensor([len(line) for line in lines])[:, None]
    return torch.tensor(filled), count < longest - lengths if left else count >= lengths


def _penalty(hidden: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(hidden.shape, dtype=dtype).masked_fill(hidden, torch.finfo(dtype).min)


def prefix_shared_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    *,
    shared_keys: SharedKeys,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention of one new token a row to what `shared_keys` holds, itself included; see `SharedKeys.attend`."""
    size: int = query.shape[-1]
    layer: Any = module.layer_idx
    return shared_keys.attend(layer, query, size**-0.5 if scaling is None else scaling), None


@contextmanager
def language_attention(model: Any, name: str) -> Iterator[None]:
    """Sets the attention of the language model, and back."""
    before = model.config.get_text_config()._attn_implementation
    model.set_attn_implementation({"text_config": name})
    try:
        yield
    finally:
        model.set_attn_implementation({"text_config": before})


def next_logits(model: Any, keys: SharedKeys, tokens: Tensor, positions: Tensor) -> Tensor:
    """Logits after one more token in each row.

    Args:
        model: with `PREFIX_SHARED` as its language model's attention.
        keys: what went before; takes up the new tokens.
        tokens: shape [rows].
        positions: of the new tokens, shape [rows], or [3, rows] where positions have three parts.

    Returns:
        shape [rows, vocabulary].
    """
    keys.advance()
    # Any mask of four dimensions is handed on as it is; what hides fill-ins is in `keys`.
    mask = torch.empty(len(tokens), 1, 1, 0, device=tokens.device)
    output = model(
        input_ids=tokens[:, None],
        position_ids=positions[..., None],
        attention_mask=mask,
        cache=keys,
        use_cache=True,
        shared_keys=keys,
        logits_to_keep=1,
    )
    logits: Tensor = output.logits[:, -1]
    return logits


class Rows:
    """Answers under way, by rows in the order of their questions; fill-ins are kept out of sight.

    Args:
        model: with `PREFIX_SHARED` as its language model's attention.
        keys: as made for the questions of each image, in this order.
        counts: how many rows each image has.
        positions: of the next token of each row, shape [n], or [3, n] where positions have three parts.
    """

    def __init__(self, model: Any, keys: SharedKeys, counts: Sequence[int], positions: Tensor) -> None:
        self._model, self._keys = model, keys
        self._slots = [image * keys.width + row for image, count in enumerate(counts) for row in range(count)]
        rows = list(accumulate(counts, initial=0))
        filled = [
            rows[image] + min(row, count - 1)
            for image, count in enumerate(counts)
            for row in range(keys.width)
        ]
        self._filled = torch.tensor(filled)
        self._positions = positions[..., self._filled]

    def step(self, tokens: Sequence[int]) -> Tensor:
        """Takes one more token in each row; gives the logits after it, shape [n, vocabulary]."""
        device = self._positions.device
        given = torch.tensor(tokens)[self._filled].to(device)
        logits = next_logits(self._model, self._keys, given, self._positions)
        self._positions = self._positions + 1
        return logits if len(self._slots) == len(logits) else logits[self._slots]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these rows alone; they stand in the order that they have now."""
        sources = self._keys.keep([self._slots[row] for row in rows])
        numbers = {self._slots[row]: number for number, row in enumerate(rows)}
        self._filled = torch.tensor([numbers[source] for source in sources])
        self._positions = self._positions[..., sources]
        places: dict[int, int] = {}
        for place, source in enumerate(sources):
            places.setdefault(source, place)
        self._slots = [places[self._slots[row]] for row in rows]

    def order(self, rows: Sequence[int]) -> None:
        """Lets each row go on from what the row of this number holds, which is one of the same image."""
        sources = list(range(self._keys.rows))
        for slot, row in zip(self._slots, rows, strict=True):
            sources[slot] = self._slots[row]
        self._keys.order(torch.tensor(sources, device=self._positions.device))


AttentionInterface.register(PREFIX_SHARED, prefix_shared_attention)
AttentionMaskInterface.register(PREFIX_SHARED, sdpa_mask)
