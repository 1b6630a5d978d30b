"""The split attention is attention under the mask that the layout means, built here by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_mask, flex_attention

from llava_vsd.errors import PackingError
from llava_vsd.model import attention
from llava_vsd.model.attention import IMAGE_SHARED, Layout, Run, image_shared_attention, row_mask, runs

CPU = torch.device("cpu")
# a prefix with two conversations; text alone; a prefix with a question that has two answers, and a conversation
LAYOUT = Layout((2, 2, 1, 2, 1, 1, 1, 1, 1), (-1, 0, 0, -1, -1, 4, 5, 5, 4))


def by_hand(layout: Layout) -> Tensor:
    """What each token sees, token by token: its ancestors, and what is not after it in its own segment."""
    owner = [number for number, size in enumerate(layout.sizes) for _ in range(size)]

    def line(number: int) -> set[int]:
        return {number} | (line(layout.parents[number]) if layout.parents[number] >= 0 else set())

    return torch.tensor(
        [
            [key <= query and owner[key] in line(mine) for key in range(len(owner))]
            for query, mine in enumerate(owner)
        ]
    )


def test_the_mask_of_a_small_row() -> None:
    rows = ["100000000000", "110000000000", "111000000000", "111100000000", "110010000000", "000001000000"]
    rows += ["000001100000", "000000010000", "000000011000", "000000011100", "000000011010", "000000010001"]
    expected = torch.tensor([[mark == "1" for mark in row] for row in rows])
    assert torch.equal(by_hand(LAYOUT), expected)
    assert torch.equal(row_mask(LAYOUT, "sdpa", CPU)[0, 0], expected)


def test_the_runs_of_a_small_row() -> None:
    assert runs(LAYOUT) == (
        Run(0, 4, ()),
        Run(4, 5, ((0, 2),)),
        Run(5, 7, ()),
        Run(7, 10, ()),
        Run(10, 11, ((7, 9),)),
        Run(11, 12, ((7, 8),)),
    )


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=8))
    return Layout(tuple(sizes), tuple(draw(st.integers(-1, number - 1)) for number in range(len(sizes))))


def heads(layout: Layout, key_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(layout.tokens)
    query, key, value = (
        torch.randn(1, layout.tokens, count, 8, generator=generator).transpose(1, 2).requires_grad_()
        for count in (4, key_heads, key_heads)
    )
    return query, key, value


@settings(max_examples=40, deadline=None)
@given(layouts(), st.sampled_from([1, 2, 4]))
def test_the_pieces_are_the_whole(layout: Layout, key_heads: int) -> None:
    query, key, value = heads(layout, key_heads)
    mask = row_mask(layout, IMAGE_SHARED, CPU)
    assert isinstance(mask, Tensor)
    found, _ = image_shared_attention(
        torch.nn.Module(), query, key, value, mask, scaling=0.3, row_layout=layout
    )
    wide_key, wide_value = (x.repeat_interleave(4 // key_heads, dim=1) for x in (key, value))
    scores = (query @ wide_key.transpose(2, 3) * 0.3).masked_fill(~by_hand(layout), -torch.inf)
    expected = (scores.softmax(-1) @ wide_value).transpose(1, 2)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)

    weights = torch.linspace(-1, 1, found.numel()).view_as(found)
    mine = torch.autograd.grad((found * weights).sum(), (query, key, value))
    theirs = torch.autograd.grad((expected * weights).sum(), (query, key, value))
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(layouts())
def test_the_block_mask_means_the_same(layout: Layout) -> None:
    size = layout.tokens
    mask = row_mask(layout, "flex_attention", CPU)
    assert isinstance(mask, BlockMask)
    assert mask.shape == (1, 1, size, size)
    assert torch.equal(create_mask(mask.mask_mod, 1, 1, size, size, device="cpu")[0, 0], by_hand(layout))


def test_flex_attention_takes_the_block_mask() -> None:
    """Forward alone, by the plain interpreter: there is no backward pass on a CPU."""
    query, key, value = (tensor.detach() for tensor in heads(LAYOUT, 4))
    with pytest.warns(UserWarning, match="without torch.compile"):
        found: Any = flex_attention(query, key, value, block_mask=row_mask(LAYOUT, "flex_attention", CPU))
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=by_hand(LAYOUT))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_mask_of_another_kind_never_passes_unnoticed() -> None:
    """The mask of the split attention fits no square of scores: a wrong implementation fails."""
    for layout in (LAYOUT, Layout((3, 1, 1), (-1, 0, 0)), Layout((2, 1, 1, 1), (-1, -1, 1, 1))):
        query, key, value = heads(layout, 4)
        mask = row_mask(layout, IMAGE_SHARED, CPU)
        assert isinstance(mask, Tensor)
        with pytest.raises(RuntimeError, match="size"):
            F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


@pytest.mark.parametrize(("name", "value"), [("sliding_window", 3), ("softcap", 30.0)])
def test_layers_that_see_otherwise_are_refused(name: str, value: float) -> None:
    mask = row_mask(LAYOUT, IMAGE_SHARED, CPU)
    assert isinstance(mask, Tensor)
    with pytest.raises(PackingError, match="train it unpacked"):
        image_shared_attention(torch.nn.Module(), *heads(LAYOUT, 4), mask, row_layout=LAYOUT, **{name: value})


def test_a_window_that_is_long_enough_is_taken() -> None:
    mask = row_mask(LAYOUT, IMAGE_SHARED, CPU)
    assert isinstance(mask, Tensor)
    image_shared_attention(torch.nn.Module(), *heads(LAYOUT, 4), mask, row_layout=LAYOUT, sliding_window=4)


@pytest.mark.parametrize("kept", [1024, 5])
@pytest.mark.parametrize("key_heads", [1, 2, 4])
def test_plain_products_in_bfloat16_are_as_close_as_the_fused_kernel(
    monkeypatch: pytest.MonkeyPatch, key_heads: int, kept: int
) -> None:
    """Against float64, with tiles smaller than a run, weights kept or worked out again."""
    monkeypatch.setattr(attention, "TILE", 3)
    monkeypatch.setattr(attention, "KEPT_KEYS", kept)
    layout = Layout((7, 5, 4, 9, 3, 2), (-1, 0, 0, -1, 3, 3))
    exact = [tensor.detach().bfloat16().double().requires_grad_() for tensor in heads(layout, key_heads)]
    rough = [tensor.detach().bfloat16().requires_grad_() for tensor in exact]
    wide_key, wide_value = (x.repeat_interleave(4 // key_heads, dim=1) for x in exact[1:])
    scores = (exact[0] @ wide_key.transpose(2, 3) * 0.3).masked_fill(~by_hand(layout), -torch.inf)
    expected = (scores.softmax(-1) @ wide_value).transpose(1, 2)

    mask = row_mask(layout, IMAGE_SHARED, CPU)
    assert isinstance(mask, Tensor)
    found, _ = image_shared_attention(torch.nn.Module(), *rough, mask, scaling=0.3, row_layout=layout)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=0.03)
    weights = torch.linspace(-1, 1, found.numel()).view_as(found)
    mine = torch.autograd.grad((found * weights.bfloat16()).sum(), rough)
    theirs = torch.autograd.grad((expected * weights.double()).sum(), exact)
    for one, other in zip(mine, theirs, strict=True):
        assert (one.double() - other).norm() <= 0.015 * other.norm()
