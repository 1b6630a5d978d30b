from dataclasses import replace

import numpy as np
import pytest

from llava_vsd.relations import RELATIONS, converse, mirrored
from llava_vsd.rooms.built import box, shelf
from llava_vsd.rooms.render import look
from llava_vsd.rooms.scene import SIDE, Scene
from llava_vsd.rooms.shown import View
from llava_vsd.rooms.truth import Truth, gap_between

TABLE, CUP, BALL = ("high table", "table", (0, 0, 0)), "cup", "football"

# what stands where, and all that holds of (first, second)
CASES = {
    "a cup on a table": ([(CUP, "cup", (0.1, 0, 0.45)), ("low table", "table", (0, 0, 0))], {"on"}),
    "a ball under a table": ([(BALL, "ball", (0.1, 0, 0)), TABLE], {"under"}),
    "a table over a ball": ([TABLE, (BALL, "ball", (0.1, 0, 0))], {"above"}),
    "a ball in a crate": ([("small ball", "ball", (0, 0, 0.02)), ("crate", "crate", (0, 0, 0))], {"in"}),
    "a crate round a ball": ([("crate", "crate", (0, 0, 0)), ("small ball", "ball", (0, 0, 0.02))], set()),
    "a ball high above a stool": ([(BALL, "ball", (0, 0, 0.7)), ("stool", "stool", (0, 0, 0))], {"above"}),
    "a stool below a ball": ([("stool", "stool", (0, 0, 0)), (BALL, "ball", (0, 0, 0.7))], {"under"}),
    "far to the left": ([(BALL, "ball", (-0.7, 0, 0)), ("stool", "stool", (0, 0, 0))], {"to the left of"}),
    "far to the right": ([(BALL, "ball", (0.7, 0, 0)), ("stool", "stool", (0, 0, 0))], {"to the right of"}),
    # the stool's side is at 0.18, the ball's radius is 0.11: 3 cm of air
    "close on the right": (
        [(BALL, "ball", (0.32, 0, 0)), ("stool", "stool", (0, 0, 0))],
        {"next to", "to the right of"},
    ),
    "nearer to the eye": ([(BALL, "ball", (0, -0.6, 0)), ("stool", "stool", (0, 0, 0))], {"in front of"}),
    "further away": ([("cabinet", "cabinet", (0, 0.8, 0)), ("stool", "stool", (0, 0, 0))], {"behind"}),
    "on another level": ([(CUP, "cup", (0.45, 0, 0.74)), (BALL, "ball", (-0.5, 0, 0))], set()),
}

CLOSER = {
    "a cup on a table": {"distance": 1.25, "height": 0.9, "aim": 0.4},
    "a ball in a crate": {"distance": 0.8, "height": 0.8, "aim": 0.1},
}
"""Views that show small things large enough, and what is in another from above."""


@pytest.mark.parametrize("case", CASES)
def test_what_holds_is_found_from_the_triangles(stage, case):
    things, held = CASES[case]
    assert stage.truth(*things).relations(0, 1) == held


@pytest.mark.parametrize("case", CASES)
def test_the_converse_holds_of_the_swapped_pair(stage, case):
    truth = stage.truth(*CASES[case][0])
    expected = {converse(relation) for relation in truth.relations(0, 1)} - {None}
    assert expected <= truth.relations(1, 0)


@pytest.mark.parametrize("case", CASES)
def test_in_the_mirror_left_and_right_change_places(stage, case):
    things, held = CASES[case]
    flipped = [(model, name, (-x, y, z)) for model, name, (x, y, z) in things]
    assert stage.truth(*flipped).relations(0, 1) == {mirrored(relation) for relation in held}


@pytest.mark.parametrize("case", CASES)
def test_only_a_telling_relation_that_holds_passes(stage, case):
    things, held = CASES[case]
    truth = stage.truth(*things, **CLOSER.get(case, {"distance": 1.8}))
    passed = {relation for relation in RELATIONS if not truth.dispute(0, 1, relation)}
    telling = held - {"to the left of", "to the right of"} if "next to" in held else held
    if case in ("a ball high above a stool", "a stool below a ball"):
        assert truth.dispute(0, 1, next(iter(held))) == "floats"  # nothing holds the ball up
    elif case == "a table over a ball":
        assert passed <= telling
    else:
        assert passed == telling


def test_a_shelf_on_the_wall_holds_the_ball_up(stage):
    things = [(BALL, "ball", (0, 0, 0.925)), ("stool", "stool", (0, -0.1, 0))]
    board = (shelf(0.6, 0.24, (1, 1, 1)), "shelf", (0, 0, 0.8))
    held = stage.truth(*things, board, aim=0.6, back=0.125)
    assert held.relations(0, 1) == {"above"}
    assert held.dispute(0, 1, "above") == ""
    assert held.relations(0, 2) == {"on"}
    assert stage.truth(*things, aim=0.6, back=0.125).dispute(0, 1, "above") == "floats"
    assert stage.truth(*things, board, aim=0.6, back=0.5).floats(
        2
    )  # the wall is too far for the shelf to hang on


SHOWN = {
    "a cup on a table": ("on", 0.25, 0.25),
    "a ball in a crate": ("in", 0.45, 0.25),
    "a ball under a table": ("under", 0.5, 0.25),
    "further away": ("behind", 0.4, 0.25),
    "nearer to the eye": ("in front of", 0.25, 0.25),
    "close on the right": ("next to", 0.5, 0.5),
    "far to the left": ("to the left of", 0.25, 0.25),
}
"""What is asked, and the least that subject and object must show then."""


@pytest.mark.parametrize("case", SHOWN)
@pytest.mark.parametrize("place", [0, 1])
def test_how_much_must_show_follows_from_the_relation(stage, case, place):
    relation, *least = SHOWN[case]
    truth = stage.truth(*CASES[case][0], **CLOSER.get(case, {"distance": 1.8}))
    view = truth.views[place]
    for share, problem in ((least[place], ""), (least[place] - 0.01, "hidden or too small")):
        truth.views[place] = replace(view, share=share)
        assert truth.dispute(0, 1, relation) == problem


def test_of_what_is_above_more_than_half_must_show(stage):
    board = (shelf(0.6, 0.24, (1, 1, 1)), "shelf", (0, 0, 0.8))
    pair = [(BALL, "ball", (0, 0, 0.925)), ("stool", "stool", (0, -0.1, 0))]
    truth = stage.truth(*pair, board, aim=0.6, back=0.125)
    for share, problem in ((0.58, ""), (0.57, "hidden or too small")):
        truth.views[0] = replace(truth.views[0], share=share)
        assert truth.dispute(0, 1, "above") == problem


def test_a_stroke_is_not_asked_about():
    assert View((50, 63, 40, 120), 1, 1).asked(0.25)
    assert not View((50, 62, 40, 120), 1, 1).asked(0.25)
    assert not View((50, 130, 40, 52), 1, 1).asked(0.25)
    assert not View((50, 63, 40, 90), 1, 1).asked(0.25)  # 13 x 50 are 0.0058 of the picture
    assert not View(None, 0, 0).asked(0.25)


def test_a_strip_at_the_edge_is_not_told_but_the_table_under_the_camera_is(stage):
    assert View((50, 90, 0, 40), 1, 0.3).clear
    assert not View((50, 90, 0, 40), 1, 0.29).clear
    assert View((236, 336, 0, 170), 1, 0.1).clear  # 0.1506 of the picture
    assert not View((236, 336, 0, 169), 1, 0.1).clear  # 0.1497
    pair = ((BALL, "ball", (-0.6, 0, 0)), ("stool", "stool", (0, 0, 0)))
    for x, told in ((0.85, True), (1.24, False)):
        truth = stage.truth(*pair, ("crate", "crate", (x, 0, 0)))
        assert truth.views[2].box is not None
        assert any(2 in (first, second) for first, _, second in truth.all_triples()) == told


def test_nothing_is_asked_of_what_shows_through_slots(stage):
    for case, relation, problem in (
        ("a ball in a crate", "in", "seen through slots"),
        ("further away", "behind", "seen through slots"),
        ("nearer to the eye", "in front of", ""),
    ):
        scene = stage.scene(*CASES[case][0], **CLOSER.get(case, {"distance": 1.8}))
        subject, thing, *rest = scene.things
        slotted = Scene((subject, replace(thing, slotted=True), *rest), scene.camera, scene.shell)
        assert Truth(scene, look(scene)).dispute(0, 1, relation) == ""
        assert Truth(slotted, look(slotted)).dispute(0, 1, relation) == problem


def test_what_reaches_behind_the_eye_is_boxed_but_counts_as_cut_off(stage):
    # a board from 2 m before the eye's aim to behind the eye
    floor = box(2.0, 4.0, 0.1, (1, 0, 0))
    truth = stage.truth((floor, "stage", (0, -1, 0)), (BALL, "ball", (0, 0, 0.1)), height=0.5, aim=0.1)
    view = truth.views[0]
    assert view.box is not None
    assert view.box[1:] == (SIDE, 0, SIDE)
    assert view.framed == 0
    assert truth.dispute(0, 1, "under") == "cut off by the frame"


def test_boxes_are_those_of_the_visible_pixels(stage):
    # the front of the box is 2.5 m away at focal 1.2 x 336: 0.5 m are 80.64 pixels, 0.3 m are 48.4
    block = box(0.5, 0.2, 0.3, (1, 0, 0))
    truth = stage.truth((block, "box", (0, 0.1, 0.25)), height=0.4, aim=0.4)
    view = truth.views[0]
    middle = SIDE / 2
    assert view.box == pytest.approx((middle - 24.2, middle + 24.2, middle - 40.3, middle + 40.3), abs=1)
    assert view.share == 1
    assert view.framed == pytest.approx(1)


def test_what_is_hidden_cut_off_or_named_twice_is_refused(stage):
    wall = box(1.2, 0.1, 1.2, (1, 1, 1))
    ball = (BALL, "ball", (0.7, 0, 0))
    stool = ("stool", "stool", (0, 0, 0))
    assert stage.truth(ball, stool).dispute(0, 1, "to the right of") == ""
    hidden = stage.truth(ball, stool, (wall, "wall", (0.9, -0.4, 0)))
    assert hidden.dispute(0, 1, "to the right of") == "hidden or too small"
    cut = stage.truth((BALL, "ball", (1.02, 0, 0)), stool)
    assert cut.dispute(0, 1, "to the right of") == "cut off by the frame"
    twice = stage.truth(ball, stool, ("green ball", "ball", (-0.5, 0, 0)))
    assert twice.dispute(0, 1, "to the right of") == "a second thing of that name"


def test_all_triples_are_told_both_ways_round(stage):
    truth = stage.truth(
        (BALL, "ball", (-0.6, 0, 0)), ("stool", "stool", (0, 0, 0)), ("crate", "crate", (0.7, 0, 0))
    )
    assert set(truth.all_triples()) == {
        (0, "to the left of", 1), (1, "to the right of", 0), (0, "to the left of", 2),
        (2, "to the right of", 0), (1, "to the left of", 2), (2, "to the right of", 1),
    }  # fmt: skip


def test_the_gap_between_outlines_is_measured_from_corner_to_edge():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    assert gap_between(square, square + np.array([1.5, 0.3])) == pytest.approx(0.5)
    assert gap_between(square, square + np.array([2, 2])) == pytest.approx(2**0.5)
    assert gap_between(square, square + np.array([0.5, 0.5])) == 0
    assert gap_between(square, square * 0.2 + 0.4) == 0  # one inside the other
