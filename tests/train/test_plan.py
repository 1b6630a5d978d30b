from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llava_vsd.train.plan import Lengths, Piece, Plan, divide, filling, plan, row_length, tokens


def lengths(per_image: list[int], *, prefix: int = 10, text_only: int = 0, seed: int = 0) -> Lengths:
    """So many conversations of each image, scattered over the file, then some without an image."""
    rng = np.random.default_rng(seed)
    image = rng.permutation(np.repeat(np.arange(len(per_image)), per_image))
    image = np.concatenate([image, len(per_image) + np.arange(text_only)])
    rest = rng.integers(3, 9, len(image))
    pictured = np.arange(len(image)) < sum(per_image)
    return Lengths(image, np.where(pictured, prefix, 0), rest, rest - 2)


COUNTS = st.lists(st.integers(1, 20), min_size=1, max_size=40)


@settings(max_examples=30, deadline=None)
@given(
    COUNTS,
    st.integers(0, 10),
    st.integers(1, 20),
    st.integers(40, 200),
    st.integers(1, 3),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_conversation_once_an_epoch_in_rows_that_hold_it(
    per_image: list[int],
    text_only: int,
    batch: int,
    row_tokens: int,
    epochs: int,
    processes: int,
    shared: bool,
) -> None:
    known = lengths(per_image, text_only=text_only)
    if len(known) < processes or batch < processes:
        return
    made = plan(
        [known] * epochs, batch=batch, row_tokens=row_tokens, shared=shared, seed=1, processes=processes
    )
    assert made.steps == epochs * max(1, len(known) // batch)
    assert made.rows % processes == 0
    for epoch in range(epochs):
        steps = [step for step in range(made.steps) if made.epoch(step) == epoch]
        seen = np.concatenate([made.members(step) for step in steps])
        assert sorted(seen) == list(range(len(known)))
        sizes = [len(made.members(step)) for step in steps]
        assert max(sizes) - min(sizes) <= 1
        assert min(sizes) >= min(batch, len(known))
    for step in range(made.steps):
        rows = made.divide(step)
        assert len(rows) == made.rows
        assert all(rows)
        flat = [member for row in rows for piece in row for member in piece.members]
        assert sorted(flat) == sorted(made.members(step))
        for row in rows:
            for piece in row:
                assert {int(known.image[member]) for member in piece.members} == {piece.image}
        assert made.learned(step) == sum(int(known.learned[member]) for member in flat)


def test_images_stay_together_and_hardly_any_is_torn() -> None:
    rng = np.random.default_rng(3)
    known = lengths(rng.integers(1, 11, 2000).tolist())
    made = plan([known], batch=16, row_tokens=10_000)
    torn = sum(
        len({step for step in range(made.steps) if image in known.image[made.members(step)]}) > 1
        for image in range(0, 2000, 10)
    )
    assert torn == 0  # of 200
    assert made.rows == 1


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(1, 30))
def test_a_step_is_filled_exactly_wherever_that_can_be(counts: list[int], room: int) -> None:
    chosen = filling(counts, room)
    begin = [counts[0]] if counts[0] <= room else []
    possible = any(
        sum(begin) + sum(some) == room
        for size in range(len(counts))
        for some in combinations(counts[1:], size)
    )
    assert bool(chosen) == possible
    if chosen:
        assert len(set(chosen)) == len(chosen)
        assert sum(counts[place] for place in chosen) == room
        assert (0 in chosen) == bool(begin)


def test_rows_are_no_longer_than_asked_wherever_that_can_be() -> None:
    rng = np.random.default_rng(4)
    known = lengths(rng.integers(1, 30, 300).tolist(), prefix=50)
    for shared in (True, False):
        made = plan([known], batch=16, row_tokens=200, shared=shared)
        longest = max(
            row_length(row, known, shared=shared) for step in range(made.steps) for row in made.divide(step)
        )
        assert longest <= 200
        assert made.rows > 1


def test_processes_and_rows_leave_the_steps_as_they_are() -> None:
    known = lengths([5] * 40, text_only=7)
    plans = [
        plan([known] * 2, batch=16, row_tokens=row_tokens, processes=processes, seed=2)
        for row_tokens, processes in ((10_000, 1), (60, 1), (10_000, 2), (80, 4))
    ]
    assert len({made.rows for made in plans}) > 1
    for made in plans[1:]:
        assert (made.order == plans[0].order).all()
        assert (made.starts == plans[0].starts).all()


def test_seed_and_epoch_change_the_order() -> None:
    known = lengths([3] * 50)
    one, other = (plan([known] * 2, batch=15, row_tokens=999, seed=seed) for seed in (0, 1))
    again = plan([known] * 2, batch=15, row_tokens=999, seed=0)
    assert (one.order == again.order).all()
    assert (one.order != other.order).any()
    assert (one.order[:150] != one.order[150:]).any()


def test_every_row_has_an_image_where_there_are_enough() -> None:
    known = lengths([4, 4], text_only=30)
    rows = divide(np.arange(len(known)), known, 8, row_tokens=999, shared=True)
    assert all(any(known.prefix[piece.members[0]] for piece in row) for row in rows)


def test_by_hand() -> None:
    known = Lengths(
        *(np.array(column) for column in ([7, 7, 8, 7], [10, 10, 20, 10], [1, 2, 3, 4], [1, 1, 1, 1]))
    )
    rows = divide(np.array([0, 1, 2, 3]), known, 2, row_tokens=50, shared=True)
    assert rows == [[Piece(8, (2,))], [Piece(7, (0, 1, 3))]]
    assert [row_length(row, known, shared=True) for row in rows] == [23, 17]
    unshared = divide(np.array([0, 1, 2, 3]), known, 2, row_tokens=50, shared=False)
    assert unshared == [[Piece(8, (2,)), Piece(7, (0,))], [Piece(7, (3,)), Piece(7, (1,))]]
    assert [row_length(row, known, shared=False) for row in unshared] == [46, 28]
    assert tokens(Piece(7, (0, 3)), known) == 15


def test_max_steps_ends_early() -> None:
    known = lengths([2] * 32)
    made = plan([known] * 3, batch=16, row_tokens=999, max_steps=6)
    assert (made.steps, len(made.order), len(made.lengths)) == (6, 96, 2)
    assert isinstance(made, Plan)


def test_more_processes_than_conversations_are_refused() -> None:
    with pytest.raises(ValueError, match="16 conversations in a step for 17 processes"):
        plan([lengths([4] * 8)], batch=16, row_tokens=999, processes=17)
