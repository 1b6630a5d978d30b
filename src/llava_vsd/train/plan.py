"""Which conversations make a step, and which of them share a row: a pure function of lengths, settings and seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_WINDOW = 256  # images that are looked at to fill a step without tearing one apart
_EXACT = 64  # conversations that are still missing in a step when images are chosen to fill it exactly


@dataclass(frozen=True)
class Lengths:
    """What the plan knows of each conversation; all arrays have shape [conversations].

    Attributes:
        image: number of its picture; a conversation without one has a number of its own.
        prefix: tokens up to the picture's last one, 0 without a picture; the same for all conversations of a picture.
        rest: tokens after it.
        learned: of these, those that have a label.
    """

    image: Ints
    prefix: Ints
    rest: Ints
    learned: Ints

    def __len__(self) -> int:
        return len(self.image)


@dataclass(frozen=True)
class Piece:
    """Some conversations of one picture, in one row.

    Attributes:
        members: places of the conversations, shape [n >= 1].
    """

    image: int
    members: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """All steps of a run.

    Attributes:
        lengths: of the conversations, one entry an epoch (they differ where pictures are mirrored).
        shared: whether a row holds one copy of a picture for all of its conversations.
        row_tokens: what a row may hold.
        order: places of the conversations in the order of the run, shape [epochs * conversations].
        starts: where in `order` each step begins, and the end, shape [steps + 1].
        steps_an_epoch: in each epoch.
        rows: micro-batches in every step.
    """

    lengths: tuple[Lengths, ...]
    shared: bool
    row_tokens: int
    order: Ints
    starts: Ints
    steps_an_epoch: int
    rows: int

    @property
    def steps(self) -> int:
        """Steps of the optimizer."""
        return len(self.starts) - 1

    def epoch(self, step: int) -> int:
        """The epoch of a step, from 0."""
        return step // self.steps_an_epoch

    def members(self, step: int) -> Ints:
        """Places of the conversations of a step."""
        return self.order[self.starts[step] : self.starts[step + 1]]

    def learned(self, step: int) -> int:
        """Tokens with a label in a step."""
        return int(self.lengths[self.epoch(step)].learned[self.members(step)].sum())

    def divide(self, step: int) -> list[list[Piece]]:
        """The rows of a step: as many as in every step, each with at least one conversation."""
        lengths = self.lengths[self.epoch(step)]
        return divide(self.members(step), lengths, self.rows, row_tokens=self.row_tokens, shared=self.shared)


def plan(
    lengths: Sequence[Lengths],
    *,
    batch: int,
    row_tokens: int,
    shared: bool = True,
    seed: int = 0,
    processes: int = 1,
    max_steps: int | None = None,
) -> Plan:
    """Plans a run: an epoch is a list of steps, the conversations of a picture stay together in one of them.

    The steps, and so the loss curve, do not depend on `row_tokens` and `processes`: these decide only into how many
    rows each step is divided, the same number for all steps.

    Args:
        lengths: one entry an epoch, all of the same conversations.
        batch: conversations in a step; where they do not come out even, the first steps have one more (all of them are
            in one step where there are fewer than two batches).
        row_tokens: a row is no longer, but for a single conversation that is.
        shared: see `Plan`.
        seed: of the order, which differs from epoch to epoch.
        processes: the number of rows in a step is a multiple of it.
        max_steps: end after so many.

    Raises:
        ValueError: there are fewer conversations in a step than processes.
    """
    count = len(lengths[0])
    steps = max(1, count // batch)
    sizes = np.full(steps, count // steps) + (np.arange(steps) < count % steps)
    if sizes[-1] < processes:
        raise ValueError(
            f"{sizes[-1]} conversations in a step for {processes} processes; expected one each or more"
        )
    epochs = len(lengths) if max_steps is None else min(len(lengths), -(-max_steps // steps))
    order = np.concatenate(
        [arrange(lengths[epoch].image, sizes, seed=(seed, epoch)) for epoch in range(epochs)]
    )
    starts = np.concatenate([[0], np.cumsum(np.tile(sizes, epochs))])
    if max_steps is not None:
        starts = starts[: max_steps + 1]
        order = order[: starts[-1]]
    whole = Plan(tuple(lengths[:epochs]), shared, row_tokens, order, starts, steps, 1)
    rows = max(
        rows_needed(whole.members(step), lengths[whole.epoch(step)], row_tokens, shared=shared)
        for step in range(whole.steps)
    )
    rows = min(-(-rows // processes) * processes, int(sizes[-1]) // processes * processes)
    return replace(whole, rows=rows)


def arrange(image: Ints, sizes: Ints, *, seed: tuple[int, ...]) -> Ints:
    """An order of all conversations in which pictures are shuffled and, cut into `sizes`, hardly ever torn.

    Args:
        image: number of each conversation's picture, shape [n].
        sizes: of the steps; they sum to n.
        seed: of the shuffle.

    Returns:
        Places of the conversations, shape [n].
    """
    by_image = np.argsort(image, kind="stable")
    edges = np.flatnonzero(np.diff(image[by_image])) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(image)]])
    shuffled = iter(np.random.default_rng(seed).permutation(len(starts)).tolist())
    waiting: deque[tuple[int, int]] = deque()
    taken: list[Ints] = []
    for size in sizes.tolist():
        room = size
        while room:
            while len(waiting) < _WINDOW and (group := next(shuffled, None)) is not None:
                waiting.append((int(starts[group]), int(ends[group])))
            counts = [end - start for start, end in waiting]
            chosen = filling(counts, room) if room <= _EXACT else [0] if counts[0] <= room else []
            if not chosen:
                chosen = [place for place, count in enumerate(counts) if count <= room][:1]
            if not chosen:  # torn apart
                start, end = waiting[0]
                waiting[0] = (start + room, end)
                taken.append(by_image[start : start + room])
                break
            for place in reversed(chosen):  # from the back, so that places stay what they are
                start, end = waiting[place]
                del waiting[place]
                taken.append(by_image[start:end])
                room -= end - start
    return np.concatenate(taken)


def filling(counts: Sequence[int], room: int) -> list[int]:
    """Places of counts that sum to `room`, the first among them if it fits, else early ones; none if there are none."""
    reached: dict[int, tuple[int, int]] = {}  # sum: the sum before, and the place that was added
    begin = counts[0] if counts[0] <= room else 0
    for place, count in enumerate(counts[1:], 1):
        if begin == room or room in reached:
            break
        for before in [begin, *reached]:
            if before + count <= room and before + count != begin:
                reached.setdefault(before + count, (before, place))
    chosen = []
    at = room
    while at in reached and at != begin:
        at, place = reached[at]
        chosen.append(place)
    if at != begin:
        return []
    return sorted([0, *chosen]) if begin else sorted(chosen)


def divide(members: Ints, lengths: Lengths, rows: int, *, row_tokens: int, shared: bool) -> list[list[Piece]]:
    """Lays the conversations of a step in rows of about the same length.

    Every row gets a picture where there are as many conversations with one (a row without would leave the connector
    without a gradient). A picture is torn apart where it does not fit in a row, or there are fewer pictures than rows.

    Raises:
        ValueError: there are fewer conversations than rows.
    """
    if len(members) < rows:
        raise ValueError(f"{len(members)} conversations for {rows} rows; expected one each or more")
    return _laid(_pieces(members, lengths, row_tokens, shared), lengths, rows)


def rows_needed(members: Ints, lengths: Lengths, row_tokens: int, *, shared: bool) -> int:
    """In how many rows a step must be divided so that none is longer than `row_tokens`, if that can be."""
    pieces = _pieces(members, lengths, row_tokens, shared)
    rows = max(1, -(-sum(tokens(piece, lengths) for piece in pieces) // row_tokens))
    while rows < len(members) and any(
        row_length(row, lengths, shared=shared) > row_tokens for row in _laid(pieces, lengths, rows)
    ):
        rows += 1
    return rows


def tokens(piece: Piece, lengths: Lengths) -> int:
    """Tokens of a piece, with one copy of its picture."""
    return int(lengths.prefix[piece.members[0]] + lengths.rest[list(piece.members)].sum())


def row_length(row: Sequence[Piece], lengths: Lengths, *, shared: bool) -> int:
    """Tokens of a row with what pads it: an unpacked one is as long as its longest conversation, times their number."""
    each = [tokens(piece, lengths) for piece in row]
    return sum(each) if shared else len(each) * max(each)


def _pieces(members: Ints, lengths: Lengths, row_tokens: int, shared: bool) -> list[Piece]:
    """What stays together: all conversations of a picture, as far as they fit in a row; or each one by itself."""
    if not shared:
        return [Piece(int(lengths.image[place]), (place,)) for place in members.tolist()]
    together: dict[int, list[int]] = {}
    for place in members.tolist():
        together.setdefault(int(lengths.image[place]), []).append(place)
    return [
        part
        for image, places in together.items()
        for part in _cut(Piece(image, tuple(places)), lengths, row_tokens)
    ]


def _cut(piece: Piece, lengths: Lengths, row_tokens: int) -> Iterator[Piece]:
    """The piece in parts that are no longer than a row."""
    while tokens(piece, lengths) > row_tokens and len(piece.members) > 1:
        first, piece = _halved(piece, lengths)
        yield from _cut(first, lengths, row_tokens)
    yield piece


def _halved(piece: Piece, lengths: Lengths) -> tuple[Piece, Piece]:
    sums = np.cumsum(lengths.rest[list(piece.members)])
    at = min(max(1, int(np.searchsorted(sums, sums[-1] / 2))), len(piece.members) - 1)
    return Piece(piece.image, piece.members[:at]), Piece(piece.image, piece.members[at:])


def _laid(pieces: list[Piece], lengths: Lengths, rows: int) -> list[list[Piece]]:
    """Longest first into the shortest row (Graham 1969), those with a picture before those without."""
    pieces = list(pieces)
    while True:
        pictured = [piece for piece in pieces if lengths.prefix[piece.members[0]]]
        torn = [piece for piece in pictured if len(piece.members) > 1]
        if not torn:
            torn = [piece for piece in pieces if len(piece.members) > 1]
            pictured = pieces
        if len(pictured) >= rows or not torn:
            break
        widest = max(torn, key=lambda piece: tokens(piece, lengths))
        pieces.remove(widest)
        pieces += _halved(widest, lengths)
    length = {piece: tokens(piece, lengths) for piece in pieces}
    pieces.sort(key=lambda piece: (not lengths.prefix[piece.members[0]], -length[piece], piece.members))
    laid: list[list[Piece]] = [[] for _ in range(rows)]
    loads = [0] * rows
    for piece in pieces:
        at = min(range(rows), key=lambda row: (loads[row], row))
        laid[at].append(piece)
        loads[at] += length[piece]
    return laid
