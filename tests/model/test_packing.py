"""Shared rows give the losses and gradients of the plain forward, one conversation at a time, in every family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from torch import Tensor
from transformers import DynamicCache

from llava_vsd.errors import PackingError
from llava_vsd.model import packing
from llava_vsd.model.attention import IMAGE_SHARED, share_images
from llava_vsd.model.packing import (
    IGNORED,
    Group,
    Row,
    Segment,
    cross_entropies,
    forward,
    lay_out,
    loss,
    pack,
    token_losses,
    unpacked,
)
from tiny_models import FAMILIES, Tiny, tiny


@dataclass(frozen=True)
class Encoded:
    id: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]


def conversation(name: str, size: int, *, learned: int | None = None, seed: int = 0) -> Encoded:
    """Random text of `size` tokens; the last `learned` (default: half) are learned."""
    draw = np.random.default_rng([seed, *name.encode()])
    ids = tuple(draw.integers(10, 250, size).tolist())
    first = size - (size // 2 if learned is None else learned)
    return Encoded(name, ids, (IGNORED,) * first + ids[first:])


def group(family: Tiny, name: str, size: tuple[int, int], members: list[Encoded]) -> Group:
    """A group about a picture of noise, of `size` (height, width)."""
    pixels = np.random.default_rng([*name.encode()]).integers(0, 256, (*size, 3), dtype=np.uint8)
    inputs = family.processor(
        images=Image.fromarray(pixels), text=f"a cat {family.processor.image_token}", return_tensors="pt"
    )
    kept = {key: inputs[key] for key in ("pixel_values", "image_sizes", "image_grid_thw") if key in inputs}
    return Group(name, tuple(inputs["input_ids"][0].tolist()), kept, members)


def groups(family: Tiny) -> list[Group]:
    """Several images of different sizes, a group of one, text alone, a conversation learned from its first token."""
    return [
        group(
            family,
            "a",
            (48, 64),
            [conversation("a1", 7), conversation("a2", 5, learned=5), conversation("a3", 9)],
        ),
        Group(None, (), None, [conversation("text", 6, learned=6)]),
        group(family, "b", (90, 40), [conversation("b1", 4)]),
        group(family, "c", (30, 30), [conversation("c1", 6), conversation("c2", 8)]),
    ]


def alone(groups: list[Group]) -> list[Group]:
    return [replace(group, members=[member]) for group in groups for member in group.members]


def gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    found = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def one_at_a_time(model: Any, groups: list[Group], config: Any) -> tuple[float, dict[str, Tensor]]:
    """Mean loss of all learned tokens and its gradients, by the model's own forward and loss, a line a call."""
    rows = [unpacked([single], config) for single in alone(groups)]
    learned = sum(row.learned for row in rows)
    total = 0.0
    for row in rows:
        part = model(**row.inputs, labels=row.labels).loss * row.learned / learned
        part.backward()
        total += part.item()
    return total, gradients(model)


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-5) -> None:
    assert found.keys() == expected.keys()
    largest = max(gradient.norm() for gradient in expected.values())
    for name, gradient in expected.items():
        if "vision_tower" in name and name.endswith("k_proj.bias"):
            # What shifts all scores of a softmax alike has gradient zero: what is found is rounding.
            assert max(found[name].norm(), gradient.norm()) <= 1e-8 * largest, name
        else:
            assert (found[name] - gradient).norm() <= tolerance * gradient.norm(), name


@pytest.mark.parametrize("attention", [IMAGE_SHARED, "sdpa"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_shared_row_has_the_loss_and_gradients_of_one_at_a_time(name: str, attention: str) -> None:
    family = tiny(name)
    all_groups = groups(family)
    config = family.model.config
    expected, expected_gradients = one_at_a_time(family.model, all_groups, config)

    family.model.set_attn_implementation({"text_config": attention})
    row = pack(all_groups, config)
    found = loss(family.model, row)
    found.backward()

    assert row.inputs["input_ids"].shape == (1, sum(group.tokens for group in all_groups))
    assert row.ids == ("a1", "a2", "a3", "text", "b1", "c1", "c2")
    assert row.counts == (3, 5, 4, 5, 2, 3, 4)  # of the text alone, the first token has nothing before it
    assert found.item() == pytest.approx(expected, abs=1e-6)
    assert_same(gradients(family.model), expected_gradients)


@pytest.mark.parametrize("name", FAMILIES)
def test_unpacked_lines_have_the_loss_and_gradients_of_one_at_a_time(name: str) -> None:
    family = tiny(name)
    all_groups = groups(family)
    expected, expected_gradients = one_at_a_time(family.model, all_groups, family.model.config)

    share_images(family.model)  # must not matter to rows without a layout
    row = unpacked(all_groups, family.model.config)
    found = loss(family.model, row)
    found.backward()

    assert row.counts == (3, 5, 4, 5, 2, 3, 4)
    assert found.item() == pytest.approx(expected, abs=1e-6)
    assert_same(gradients(family.model), expected_gradients)
    assert family.model(**row.inputs, labels=row.labels).loss.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["llava-clip-vicuna", "llava-next-mistral", "qwen2.5-vl"])
def test_it_holds_under_lora_and_gradient_checkpointing(name: str) -> None:
    family = tiny(name)
    all_groups = groups(family)
    config = family.model.config
    torch.manual_seed(0)
    adapter = LoraConfig(
        r=4, target_modules=r".*language_model.*\.(q_proj|v_proj|down_proj)", init_lora_weights=False
    )
    model = get_peft_model(family.model, adapter)
    expected, expected_gradients = one_at_a_time(model, all_groups, config)

    share_images(model)
    model.train()
    model.activation_checkpointing_enable()
    model.enable_input_require_grads()
    calls = []
    family.model.model.language_model.layers[0].input_layernorm.register_forward_hook(
        lambda *call: calls.append(1)
    )
    found = loss(model, pack(all_groups, config))
    found.backward()

    assert len(calls) == 2  # once forward, once again on the way back
    assert found.item() == pytest.approx(expected, abs=1e-6)
    assert_same(gradients(model), expected_gradients)
    assert all("lora_" in name for name in expected_gradients)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_conversation_does_not_see_another(name: str) -> None:
    family = tiny(name)
    share_images(family.model)
    before = groups(family)
    changed = conversation("a2", 11, learned=3, seed=1)
    after = [replace(before[0], members=[before[0].members[0], changed, before[0].members[2]]), *before[1:]]
    with torch.no_grad():
        rows = [pack(case, family.model.config) for case in (before, after)]
        losses = [
            dict(zip(row.ids, token_losses(family.model, row).split(row.counts), strict=True)) for row in rows
        ]
    for member in rows[0].ids:
        if member == "a2":
            assert losses[0][member].shape != losses[1][member].shape
        else:
            torch.testing.assert_close(losses[0][member], losses[1][member], rtol=0, atol=2e-6)


def test_a_conversation_sees_its_image_and_its_own_past() -> None:
    family = tiny("llava-clip-vicuna")
    share_images(family.model)
    members = [conversation("first", 5), conversation("second", 6)]
    row = pack([group(family, "a", (32, 32), members)], family.model.config)

    def losses(row: Row) -> dict[str, Tensor]:
        with torch.no_grad():
            return dict(zip(row.ids, token_losses(family.model, row).split(row.counts), strict=True))

    plain = losses(row)
    other_image = losses(
        replace(row, inputs={**row.inputs, "pixel_values": row.inputs["pixel_values"].flip(-1)})
    )
    ids = row.inputs["input_ids"].clone()
    ids[0, -6] = 9  # the first token of the second conversation
    other_start = losses(replace(row, inputs={**row.inputs, "input_ids": ids}))
    for name in ("first", "second"):
        assert (plain[name] - other_image[name]).abs().max() > 1e-4
    assert (plain["second"] - other_start["second"]).abs().max() > 1e-4
    torch.testing.assert_close(plain["first"], other_start["first"], rtol=0, atol=1e-6)


def test_positions_restart_after_the_prefix() -> None:
    family = tiny("llava-clip-vicuna")
    config = family.model.config
    members = [conversation("first", 3), conversation("second", 4)]
    row = pack([Group("a", (5, 6), None, members), Group(None, (), None, [conversation("text", 2)])], config)
    assert row.inputs["position_ids"].tolist() == [[0, 1, 2, 3, 4, 2, 3, 4, 5, 0, 1]]
    assert row.inputs["input_ids"].tolist() == [
        [5, 6, *members[0].ids, *members[1].ids, *conversation("text", 2).ids]
    ]


def test_positions_of_three_parts_are_the_models_own() -> None:
    family = tiny("qwen2.5-vl")
    shared = group(family, "a", (48, 64), [conversation("first", 3), conversation("second", 4)])
    found = pack([shared], family.model.config).inputs["position_ids"]
    begin = len(shared.prefix)
    for member in shared.members:
        ids = torch.tensor([shared.prefix + member.ids])
        kinds = (ids == family.model.config.image_token_id).int()
        expected, _ = family.model.model.get_rope_index(
            ids, mm_token_type_ids=kinds, image_grid_thw=shared.pixels["image_grid_thw"]
        )
        end = begin + len(member.ids)
        assert torch.equal(found[..., begin:end], expected[..., len(shared.prefix) :])
        assert torch.equal(found[..., : len(shared.prefix)], expected[..., : len(shared.prefix)])
        begin = end


def test_labels_stand_behind_the_place_that_predicts_them() -> None:
    config = tiny("llava-clip-vicuna").model.config
    members = [Encoded("first", (11, 12), (IGNORED, 12)), Encoded("second", (21, 22), (21, 22))]
    row = pack(
        [Group("a", (5, 6), None, members), Group(None, (), None, [Encoded("text", (31, 32), (31, 32))])],
        config,
    )
    # places: 5 6 | 11 12 | 21 22 | 31 32; 12 is predicted at 11, 21 at 6, 22 at 21, 32 at 31, 31 at nothing
    assert row.keep.tolist() == [2, 1, 4, 6]
    assert row.targets.tolist() == [12, 21, 22, 32]
    assert row.labels.tolist() == [[IGNORED, IGNORED, IGNORED, 12, 21, 22, 31, 32]]
    assert row.counts == (1, 2, 1)


def test_bfloat16_is_close_to_float32() -> None:
    family = tiny("llava-next-vicuna")
    share_images(family.model)
    row = pack(groups(family), family.model.config)
    with torch.no_grad():
        exact = token_losses(family.model, row)
        rough = token_losses(family.model.to(torch.bfloat16), row)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0, atol=0.03)


def test_a_sum_over_a_step_is_divided_by_the_count_of_the_step() -> None:
    family = tiny("llava-clip-vicuna")
    share_images(family.model)
    with torch.no_grad():
        row = pack(groups(family), family.model.config)
        mean = loss(family.model, row)
        assert loss(family.model, row, num_items=4 * row.learned).item() == pytest.approx(mean.item() / 4)


def test_logits_in_pieces_give_the_same_losses_and_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    logits = torch.randn(10, 50, dtype=torch.bfloat16, requires_grad=True)
    targets = torch.randint(50, (10,))

    def run() -> tuple[Tensor, Tensor]:
        logits.grad = None
        losses = cross_entropies(logits, targets)
        losses.sum().backward()
        assert logits.grad is not None
        return losses.detach(), logits.grad

    whole = run()
    by_hand = -logits.detach().double().log_softmax(1)[torch.arange(10), targets]
    monkeypatch.setattr(packing, "LOGITS_AT_ONCE", 150)
    pieces = run()
    torch.testing.assert_close(whole[0].double(), by_hand, rtol=1e-6, atol=1e-6)
    assert torch.equal(pieces[0], whole[0])
    assert torch.equal(pieces[1], whole[1])


def test_only_learned_places_get_logits() -> None:
    family = tiny("llava-clip-vicuna")
    share_images(family.model)
    shapes = []
    family.model.lm_head.register_forward_hook(
        lambda module, inputs, output: shapes.append(tuple(output.shape))
    )
    row = pack(groups(family), family.model.config)
    token_losses(family.model, row)
    token_losses(family.model, unpacked(groups(family), family.model.config))
    vocabulary = family.model.config.text_config.vocab_size
    assert shapes == [(1, row.learned, vocabulary), (row.learned, vocabulary)]


def test_the_vision_tower_runs_once_an_image() -> None:
    family = tiny("llava-clip-vicuna")
    share_images(family.model)
    seen = []
    family.model.model.vision_tower.register_forward_hook(
        lambda module, inputs, output: seen.append(len(inputs[0]))
    )
    token_losses(family.model, pack(groups(family), family.model.config))
    assert seen == [3]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Group("7", (5,), None, []), "image 7: a group needs conversations"),
        (lambda: Group("7", (5,), None, [Encoded("x", (), ())]), "image 7: a group needs conversations"),
        (lambda: Group(None, (), None, [conversation("x", 3)] * 2), "text: 2 conversations without a prefix"),
    ],
)
def test_wrong_groups_are_refused(wrong: Callable[[], Group], message: str) -> None:
    config = tiny("llava-clip-vicuna").model.config
    for lay in (pack, unpacked):
        with pytest.raises(PackingError, match=message):
            lay([wrong()], config)


def test_a_model_that_does_not_share_says_so() -> None:
    family = tiny("llava-clip-vicuna")
    family.model.set_attn_implementation({"text_config": "eager"})
    with pytest.raises(PackingError, match="attention 'eager' cannot share an image"):
        token_losses(family.model, pack(groups(family), family.model.config))


def test_a_row_moves_as_a_whole() -> None:
    family = tiny("qwen2.5-vl")
    row = pack(groups(family), family.model.config)
    moved = row.to("meta")
    tensors = [*moved.inputs.values(), moved.labels, moved.keep, moved.targets]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert moved.inputs.keys() == row.inputs.keys()
    assert (moved.layout, moved.ids, moved.counts) == (row.layout, row.ids, row.counts)


@pytest.mark.parametrize("name", FAMILIES)
def test_answers_share_a_question_and_its_image_and_a_cache_keeps_the_row(name: str) -> None:
    """Depth two: image, question, three answers; each has the logits of its own plain sequence."""
    family = tiny(name)
    config = family.model.config
    asked = group(family, "a", (48, 64), [conversation("question", 6)])
    question = asked.members[0].ids
    answers = [conversation(f"answer {number}", number + 2).ids for number in range(3)]
    segments = [
        Segment(asked.prefix, pixels=asked.pixels),
        Segment(question, 0),
        *(Segment(ids, 1) for ids in answers),
    ]
    inputs, layout = lay_out(segments, config)
    expected = []
    with torch.no_grad():
        for ids in answers:
            plain = unpacked([replace(asked, members=[Encoded("x", question + ids, question + ids)])], config)
            expected.append(family.model(**plain.inputs).logits[0, -len(ids) :])
        share_images(family.model)
        keep = torch.arange(layout.tokens - sum(map(len, answers)), layout.tokens)
        cache = DynamicCache(config=config.get_text_config())
        found = forward(family.model, inputs, layout, keep, cache=cache).logits[0]
    torch.testing.assert_close(found, torch.cat(expected), rtol=0, atol=1e-5)
    assert cache.get_seq_length() == layout.tokens


def test_a_tree_out_of_order_is_refused() -> None:
    config = tiny("llava-clip-vicuna").model.config
    for wrong in (Segment((5,), 1), Segment((), 0), Segment((5,), -2)):
        with pytest.raises(PackingError, match="segment 1: expected tokens, and a parent before it"):
            lay_out([Segment((5,)), wrong], config)
