import numpy as np
import pytest

from llava_vsd.rooms.arrange import SHELF_COLOURS
from llava_vsd.rooms.built import box, hanging_lamp, shelf
from llava_vsd.rooms.paint import areas, colour_name, painted, words_for


@pytest.mark.parametrize(
    ("colour", "word"),
    [
        ((0.8, 0.1, 0.1), "red"),
        ((0.1, 0.2, 0.7), "blue"),
        ((0.1, 0.5, 0.2), "green"),
        ((0.9, 0.8, 0.1), "yellow"),
        ((0.9, 0.45, 0.1), "orange"),
        ((0.66, 0.45, 0.28), ""),  # wicker
        ((0.75, 0.60, 0.42), ""),  # light wood
        ((0.4, 0.24, 0.13), "brown"),
        ((0.05, 0.05, 0.05), "black"),
        ((0.9, 0.9, 0.9), "white"),
        ((0.5, 0.5, 0.5), "grey"),
        ((0.7, 0.7, 0.7), ""),  # grey or white: people differ
        ((0.1, 0.5, 0.5), ""),  # green or blue
    ],
)
def test_a_colour_has_the_word_that_few_would_dispute(colour, word):
    assert colour_name(colour) == word


def test_no_shelf_is_called_orange():
    words = [words_for(shelf(0.6, 0.2, colour)) for colour in SHELF_COLOURS]
    assert words == [("white",), ("brown",), ("brown",), (), ("black",)]


def test_areas_are_those_of_the_faces():
    assert areas(box(1, 2, 3, (1, 1, 1))) == pytest.approx([2 * (2 + 3 + 6)])


def test_painting_changes_the_main_part_and_the_word_follows():
    lamp = hanging_lamp(0.2, 0.5, (0.85, 0.6, 0.2))
    seen = set()
    for seed in range(30):
        new = painted(lamp, np.random.default_rng(seed))
        assert np.array_equal(new.colours[1], lamp.colours[1])  # the cord stays
        assert not np.array_equal(new.colours[0], lamp.colours[0])
        seen |= set(words_for(new))
    assert {"red", "blue", "black"} <= seen
