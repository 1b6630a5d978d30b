"""Predictions that do not fit their items are refused with the ids and fields."""

import re

import pytest

from llava_vsd.errors import MismatchError
from llava_vsd.matching import matched
from llava_vsd.schema import Item, Prediction

BOX = (0, 9, 0, 9)


def item(name, *pairs):
    triples = [
        {"subject": s, "object": o, "relation": "on", "subject_box": BOX, "object_box": BOX} for s, o in pairs
    ]
    return Item(id=name, image=f"image of {name}", triples=triples)


def prediction(name, *pairs, image=None):
    relations = [{"subject": s, "object": o, "relation": "in"} for s, o in pairs]
    return Prediction(
        id=name,
        image=image or f"image of {name}",
        model="m",
        relations=relations,
        description="",
        descriptions=[],
    )


ITEMS = [item("a", ("cat", "mat")), item("b", ("dog", "bed"), ("bed", "wall")), item("c", ("cup", "desk"))]
GOOD = [
    prediction("c", ("cup", "desk")),
    prediction("a", ("cat", "mat")),
    prediction("b", ("dog", "bed"), ("bed", "wall")),
]


def test_predictions_come_in_the_order_of_the_items():
    assert [found.id for found in matched(ITEMS, GOOD)] == ["a", "b", "c"]


def test_missing_ones_are_named_or_left_open():
    with pytest.raises(
        MismatchError, match=r"predictions: no prediction for a, b; expected one for each of 3 items"
    ):
        matched(ITEMS, GOOD[:1])
    assert matched(ITEMS, GOOD[:1], allow_missing=True) == [None, None, GOOD[0]]


def test_of_many_missing_ones_five_are_named_and_the_rest_counted():
    with pytest.raises(MismatchError, match=r"no prediction for 0, 1, 2, 3, 4 and 15 more;"):
        matched([item(str(number), ("x", "y")) for number in range(20)], [])


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize(
    ("predictions", "problem"),
    [
        ([*GOOD, GOOD[0]], "more than one prediction for c; expected one an item"),
        ([*GOOD, prediction("z")], "predictions: no item has the id z"),
        ([*GOOD, prediction("z"), prediction("z")], "predictions: no item has the id z"),
        (
            [*GOOD[:2], prediction("b", ("dog", "bed"))],
            "prediction b: relations: 1, expected 2, one a triple of the item",
        ),
        (
            [*GOOD[:2], prediction("b", ("dog", "bed"), ("bed", "floor"))],
            "prediction b: relations[1].object: 'floor', expected 'wall'",
        ),
        (
            [*GOOD[:2], prediction("b", ("bed", "wall"), ("dog", "bed"))],
            "prediction b: relations[0].subject: 'bed', expected 'dog'",
        ),
        (
            [*GOOD[1:], prediction("c", ("cup", "desk"), image="7")],
            "prediction c: image: '7', expected 'image of c'",
        ),
    ],
)
def test_what_does_not_fit_is_an_error_even_where_missing_is_allowed(predictions, problem, allow):
    with pytest.raises(MismatchError, match=re.escape(problem)):
        matched(ITEMS, predictions, allow_missing=allow)


def test_a_prediction_without_relations_counts_as_missing_them():
    bare = [*GOOD[:2], prediction("b")]
    with pytest.raises(MismatchError, match=r"prediction b: relations: 0, expected 2"):
        matched(ITEMS, bare)
    assert matched(ITEMS, bare, allow_missing=True)[1] is bare[2]


def test_errors_begin_with_what_the_predictions_are_called():
    with pytest.raises(MismatchError, match=r"^mine.jsonl: prediction b: relations: 0, expected 2"):
        matched(ITEMS, [*GOOD[:2], prediction("b")], what="mine.jsonl")


def test_items_must_have_ids_of_their_own():
    with pytest.raises(MismatchError, match="items: a occur more than once"):
        matched([*ITEMS, ITEMS[0]], GOOD)
