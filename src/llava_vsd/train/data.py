"""Conversations to rows of tensors: places and lengths are kept in memory, the rest is read when needed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Transpose
from torch.utils.data import DataLoader, Dataset

from llava_vsd.data.images import ImageStore
from llava_vsd.data.mirror import mirrored
from llava_vsd.errors import FileError, NotMirrorableError, SampleError, VsdError
from llava_vsd.jsonl import replacing
from llava_vsd.model.encode import Encoded, Encoder
from llava_vsd.model.packing import Group, Row, pack, unpacked
from llava_vsd.schema import Conversation
from llava_vsd.train.conversations import Conversations, Fault, fault_of
from llava_vsd.train.features import Features
from llava_vsd.train.plan import Ints, Lengths, Piece, Plan

_CHUNK = 64  # conversations that a worker measures at once

_UNFLIPPABLE = -1
"""Length of the mirrored form of a conversation that has none."""

_PENDING = SampleError("", "")
_FIELDS = ("image", "prefix", "rest", "learned")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Index:
    """What is known of all conversations before the first step.

    Attributes:
        conversations: those that can be learned from.
        images: ids of the pictures, one as often as there are unlike tokens before it (system turns); a conversation's
            picture is a place in it, or beyond it where there is none.
        plain: lengths as they are.
        mirrored: lengths with left and right swapped; None where nothing is mirrored.
        faults: the samples that were left out.
    """

    conversations: Conversations
    images: list[str]
    plain: Lengths
    mirrored: Lengths | None
    faults: list[Fault]

    def save(self, file: Path) -> None:
        """Writes it down, for `load`."""
        own = self.conversations
        arrays: dict[str, Any] = {
            "of": own.file,
            "line": own.line,
            "offset": own.offset,
            "images": np.array(self.images, dtype=str),
            "faults": np.array([fault.model_dump_json() for fault in self.faults], dtype=str),
        }
        for name, lengths in (("plain", self.plain), ("mirrored", self.mirrored)):
            if lengths is not None:
                arrays |= {f"{name}/{field}": getattr(lengths, field) for field in _FIELDS}
        with replacing(file, binary=True) as writing:
            np.savez(writing, **arrays)

    @classmethod
    def load(cls, file: Path, files: Sequence[Path]) -> Index:
        """Reads what `save` wrote; `files` are the same conversations as then."""
        with np.load(file) as arrays:
            plain, mirrored = (
                Lengths(*(arrays[f"{name}/{field}"] for field in _FIELDS))
                if f"{name}/image" in arrays
                else None
                for name in ("plain", "mirrored")
            )
            assert plain is not None
            conversations = Conversations(files, arrays["of"], arrays["line"], arrays["offset"])
            faults = [Fault.model_validate_json(fault) for fault in arrays["faults"].tolist()]
            return cls(conversations, arrays["images"].tolist(), plain, mirrored, faults)

    def flips(self, epoch: int, seed: int) -> Ints:
        """Which pictures an epoch shows mirrored (1) and which not (0), shape [pictures and texts].

        A random half of those all of whose conversations can be mirrored.
        """
        count = int(self.plain.image.max()) + 1
        if self.mirrored is None:
            return np.zeros(count, dtype=np.int64)
        flips = np.random.default_rng((seed, epoch, 1)).integers(0, 2, count)
        flips[self.plain.image[self.mirrored.rest == _UNFLIPPABLE]] = 0
        return flips

    def lengths(self, epoch: int, seed: int) -> Lengths:
        """Lengths of the conversations as an epoch shows them."""
        if self.mirrored is None:
            return self.plain
        flip = self.flips(epoch, seed)[self.plain.image] == 1
        rest = np.where(flip, self.mirrored.rest, self.plain.rest)
        learned = np.where(flip, self.mirrored.learned, self.plain.learned)
        return Lengths(self.plain.image, self.plain.prefix, rest, learned)


@dataclass(frozen=True)
class Samples:
    """How a conversation becomes tokens and pixels.

    Attributes:
        encoder: of the model.
        store: the pictures; None where no folder is given.
        mirror: whether mirrored pictures are shown too.
        features: kept ones, which take the place of pixels; None: the tower is run.
    """

    encoder: Encoder
    store: ImageStore | None
    mirror: bool = False
    features: Features | None = None

    def encode(
        self, samples: Sequence[tuple[Conversation, tuple[int, int] | None]], *, flip: bool = False
    ) -> list[Encoded | SampleError]:
        """Conversations, with height and width of their pictures, as tokens; an error in place of a bad one."""
        if not flip:
            return self.encoder.encode_many(samples)
        made: list[Encoded | SampleError] = []
        seen = []
        for conversation, size in samples:
            try:
                seen.append((mirrored(conversation, width=size[1]) if size else conversation, size))
                made.append(_PENDING)
            except NotMirrorableError as error:
                made.append(error)
        encoded = iter(self.encoder.encode_many(seen))
        return [next(encoded) if one is _PENDING else one for one in made]

    def size(self, image: str, *, whole: bool = False) -> tuple[int, int]:
        """Height and width of a picture; `whole`: after every pixel of it could be read."""
        if self.store is None:
            raise FileError(
                "images", f"no folder is given, but there is an image ({image}); expected images: [DIR]"
            )
        if not whole:
            width, height = self.store.size(image)
            return height, width
        opened = self.store.open(image)
        return opened.height, opened.width

    def pixels(self, image: str, *, flip: bool) -> tuple[dict[str, Any], tuple[int, int]]:
        """What the model sees of a picture, and its height and width."""
        assert self.store is not None
        if self.features is not None:
            return self.features.read(self.store.path(image), flip=flip)
        opened = self.store.open(image)
        size = opened.height, opened.width
        return self.encoder.pixels(opened.transpose(Transpose.FLIP_LEFT_RIGHT) if flip else opened), size


_Measured = tuple[str | None, int, int, int, int, int, int]
"""Image, hash and length of the prefix, rest, learned, rest and learned when mirrored."""


class _Chunks(Dataset[list[_Measured | Fault]]):
    """Measures of some conversations at a time, for the workers of a DataLoader."""

    def __init__(self, conversations: Conversations, samples: Samples, whole: bool) -> None:
        self.conversations, self.samples, self.whole = conversations, samples, whole
        self.sizes: dict[str, tuple[int, int] | VsdError] = {}

    def __len__(self) -> int:
        return -(-len(self.conversations) // _CHUNK)

    def __getitem__(self, chunk: int) -> list[_Measured | Fault]:
        places = range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, len(self.conversations)))
        found: dict[int, _Measured | Fault] = {}
        good: list[tuple[int, Conversation, tuple[int, int] | None]] = []
        for place in places:
            name = ""
            try:
                conversation = self.conversations[place]
                name = conversation.id
                good.append((place, conversation, self._size(conversation.image)))
            except VsdError as error:
                found[place] = fault_of(name, self.conversations.where(place), error)
        samples = [(conversation, size) for _, conversation, size in good]
        plain = self.samples.encode(samples)
        flipped = self.samples.encode(samples, flip=True) if self.samples.mirror else plain
        for (place, conversation, _), one, other in zip(good, plain, flipped, strict=True):
            if isinstance(one, SampleError):
                found[place] = fault_of(conversation.id, self.conversations.where(place), one)
            else:
                both = (
                    *_lengths(one),
                    *((_UNFLIPPABLE, 0) if isinstance(other, SampleError) else _lengths(other)),
                )
                found[place] = conversation.image, hash(one.prefix), len(one.prefix), *both
        return [found[place] for place in places]

    def _size(self, image: str | None) -> tuple[int, int] | None:
        if image is None:
            return None
        if image not in self.sizes:
            if len(self.sizes) > _CHUNK:
                self.sizes.clear()
            try:
                self.sizes[image] = self.samples.size(image, whole=self.whole)
            except VsdError as error:
                self.sizes[image] = error
        known = self.sizes[image]
        if isinstance(known, VsdError):
            raise known
        return known


def index(
    files: Sequence[Path],
    samples: Samples,
    *,
    unread: Sequence[Fault] = (),
    workers: int = 0,
    whole_images: bool = False,
    progress: Progress = lambda done, total: None,
) -> Index:
    """Reads and encodes every conversation once, and keeps its lengths.

    Args:
        files: conversations in JSON lines.
        samples: how they become tokens.
        unread: faults that are known already.
        workers: processes.
        whole_images: read every pixel of each picture, not its head alone.
        progress: told how many are done, of how many.
    """
    if samples.store is not None:
        samples.store.missing([])  # scans the folders before workers copy the store
    conversations = Conversations.scan(files)
    chunks = _Chunks(conversations, samples, whole_images)
    loader = DataLoader(chunks, batch_size=None, num_workers=workers, collate_fn=_as_it_is)
    columns = [array("q") for _ in range(7)]
    numbers: dict[tuple[str, int], int] = {}
    faults = list(unread)
    for place, measured in enumerate(_flat(loader, len(conversations), progress)):
        if isinstance(measured, Fault):
            faults.append(measured)
            continue
        image_id, before, *counts = measured
        number = -1 if image_id is None else numbers.setdefault((image_id, before), len(numbers))
        for column, value in zip(columns, (place, number, *counts), strict=True):
            column.append(value)
    places, image, prefix, *both = (np.array(column, dtype=np.int64) for column in columns)
    texts = image < 0
    image[texts] = len(numbers) + np.arange(texts.sum())  # each by itself
    return Index(
        conversations.only(places),
        [name for name, _ in numbers],
        Lengths(image, prefix, *both[:2]),
        Lengths(image, prefix, *both[2:]) if samples.mirror else None,
        faults,
    )


def _lengths(encoded: Encoded) -> tuple[int, int]:
    return len(encoded.ids), sum(label >= 0 for label in encoded.labels)


def _as_it_is(value: Any) -> Any:
    return value


def _flat(loader: Any, total: int, progress: Progress) -> Iterator[_Measured | Fault]:
    done = 0
    for chunk in loader:
        yield from chunk
        done += len(chunk)
        progress(done, total)


class Rows(Dataset[dict[str, Any]]):
    """The micro-batches of a run in their order: row r of step s is at place s * rows + r.

    Each is `{"row": Row, "learned": tokens with a label in its whole step, "ids": of its conversations}`.
    """

    def __init__(self, index: Index, plan: Plan, samples: Samples, config: Any, seed: int) -> None:
        self.index, self.plan, self.samples, self.config, self.seed = index, plan, samples, config, seed
        self._last: tuple[int, list[list[Piece]]] = (-1, [])

    def __len__(self) -> int:
        return self.plan.steps * self.plan.rows

    def __getitem__(self, place: int) -> dict[str, Any]:
        step, number = divmod(place, self.plan.rows)
        if self._last[0] != step:
            self._last = step, self.plan.divide(step)
        flips = self.index.flips(self.plan.epoch(step), self.seed)
        row = self.row(self._last[1][number], flips)
        return {"row": row, "learned": self.plan.learned(step), "ids": row.ids}

    def row(self, pieces: Sequence[Piece], flips: Ints) -> Row:
        """Some conversations as tensors."""
        groups = [self._group(piece, bool(flips[piece.image])) for piece in pieces]
        return (pack if self.plan.shared else unpacked)(groups, self.config)

    def _group(self, piece: Piece, flip: bool) -> Group:
        conversations = [self.index.conversations[member] for member in piece.members]
        pixels, size = None, None
        image = conversations[0].image
        if image is not None:
            pixels, size = self.samples.pixels(image, flip=flip)
        members = []
        for made in self.samples.encode([(one, size) for one in conversations], flip=flip):
            if isinstance(made, SampleError):
                raise made
            members.append(made)
        return Group(image, members[0].prefix, pixels, members)
