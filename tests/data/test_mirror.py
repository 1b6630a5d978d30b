"""What a mirror does to words and boxes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd import relations
from llava_vsd.data.build import conversations
from llava_vsd.data.mirror import mirrored, mirrored_box, mirrored_text
from llava_vsd.data.prompts import OPTIONS
from llava_vsd.errors import NotMirrorableError
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Conversation, Item, Place, Triple, Turn


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the cat is to the left of the sofa.", "the cat is to the right of the sofa."),
        ("The man on the right in blue", "The man on the left in blue"),
        ("Left of the tree, RIGHT of the car.", "Right of the tree, LEFT of the car."),
        ("the leftmost window, the right-most door", "the rightmost window, the left-most door"),
        ("his left hand is on the man's right arm", "his right hand is on the man's left arm"),
        ("a left-handed batter", "a right-handed batter"),
        ("the bottle is left of the box", "the bottle is right of the box"),
        ("in the upper left corner, on the far right", "in the upper right corner, on the far left"),
        ("Left hand under the bat", "Right hand under the bat"),
        ("the one on the left behind the car", "the one on the right behind the car"),
    ],
)
def test_sides_are_swapped_both_ways(text: str, expected: str) -> None:
    assert mirrored_text(text) == expected
    assert mirrored_text(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        "the truck is right behind the man",
        "right in front of the woman",
        "bright lamps shine brightly, the man is upright",
        "choose the right answer",
        "a cake standing right side up",
        f"one of {OPTIONS}.",
        "on in next to under above",
    ],
)
def test_what_is_no_side_stays(text: str) -> None:
    assert mirrored_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "the door was left open",
        "there is water left in the glass",
        "the man has left the room",
        "a bag left behind",
        "there is an outleft on the wall",
        "the hands turn clockwise",
        "the west side of the house",
    ],
)
def test_what_may_be_no_side_is_refused_by_id(text: str) -> None:
    turns = [Turn(role="user", text="Where?"), Turn(role="assistant", text=text)]
    with pytest.raises(NotMirrorableError) as raised:
        mirrored(Conversation(id="v2-val-00003/describe/1", task="describe", image="7", turns=turns))
    assert raised.value.id == "v2-val-00003/describe/1"
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("relation", RELATIONS)
def test_the_label_becomes_that_of_the_mirrored_picture(relation: relations.Relation) -> None:
    assert mirrored_text(relation) == relations.mirrored(relation)


def test_a_box_keeps_its_distance_from_the_other_side() -> None:
    assert mirrored_box((10, 30, 20, 60), 100) == (10, 30, 40, 80)
    assert mirrored_box((0, 5, 0, 100), 100) == (0, 5, 0, 100)


@given(st.tuples(*[st.integers(0, 500)] * 4), st.integers(1, 1000))
def test_two_mirrors_undo_each_other(box: tuple[int, int, int, int], width: int) -> None:
    assert mirrored_box(mirrored_box(box, width), width) == box


def test_a_whole_conversation_is_mirrored() -> None:
    box, other = (10, 30, 20, 60), (0, 5, 90, 100)
    triple = Triple(
        subject="left hand", object="cup", relation="to the left of", subject_box=box, object_box=other
    )
    item = Item(
        id="v1-val-00001", image="7", triples=[triple], descriptions_v1=["left hand to the left of a cup"]
    )
    classify, describe = (mirrored(one, width=100) for one in conversations(item, boxes=True))
    assert classify.id == "v1-val-00001/classify/mirrored"
    assert "right hand" in classify.turns[0].text
    assert OPTIONS in classify.turns[0].text
    assert "left hand" not in classify.turns[0].text
    assert classify.turns[1].text == "to the right of"
    assert describe.turns[1].text == "right hand to the right of a cup"
    assert describe.places == [
        Place(name="right hand", box=(10, 30, 40, 80)),
        Place(name="cup", box=(0, 5, 0, 10)),
    ]


def test_boxes_need_the_width() -> None:
    turns = [Turn(role="user", text="Where?"), Turn(role="assistant", text="on")]
    placed = Conversation(
        id="a", task="classify", image="7", turns=turns, places=[Place(name="cat", box=(0, 1, 2, 3))]
    )
    with pytest.raises(NotMirrorableError, match="a: it holds boxes; expected the width"):
        mirrored(placed)


def test_nearly_all_real_descriptions_can_be_mirrored_and_back(reference) -> None:
    texts = {
        text
        for split in ("val", "test")
        for version in ("v1", "v2")
        for entry in reference.json(f"vsd/vsd{version}_{split}.json")
        for text in entry["captions" if "captions" in entry else "description"]
        if re.search(r"\b(left|right)", text, re.IGNORECASE)
    }
    refused = 0
    for text in texts:
        try:
            assert mirrored_text(mirrored_text(text)) == text
        except NotMirrorableError:
            refused += 1
    assert len(texts) > 3000
    assert refused < 0.005 * len(texts)
