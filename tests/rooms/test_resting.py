import numpy as np
import pytest

from llava_vsd.rooms.built import BUILT, ball, bowl, box, table
from llava_vsd.rooms.resting import rest, room_below, separation, step_for, tops, undersides


def drop(thing, below, x, y):
    step = step_for(thing)
    return rest(undersides(thing, step), tops(below, step), x, y)


def test_a_cup_rests_on_the_table_top():
    rested = drop(BUILT["cup"](), BUILT["high table"](), 0.2, 0.1)
    assert rested.z == pytest.approx(0.74, abs=1e-3)
    assert rested.stable
    assert rested.over == 1
    assert (rested.x, rested.y) == pytest.approx((0.2, 0.1), abs=0.01)


def test_a_box_that_hangs_over_the_edge_by_most_of_its_width_is_not_stable():
    board, below = box(0.4, 0.4, 0.1, (1, 1, 1)), table(1.0, 0.6, 0.7, (1, 1, 1))
    assert drop(board, below, 0.3, 0).stable
    overhanging = drop(board, below, 0.62, 0)
    assert overhanging.z == pytest.approx(0.7, abs=1e-3)
    assert not overhanging.stable


def test_a_ball_in_a_bowl_rests_on_its_inside():
    dish, thing = bowl(0.2, 0.12, (1, 1, 1)), ball(0.05, (1, 1, 1))
    assert 0 < drop(thing, dish, 0, 0).z < 0.03
    assert drop(thing, dish, 0.12, 0).z > drop(thing, dish, 0, 0).z + 0.02  # the wall lifts it


def test_there_is_room_under_a_table_but_not_where_its_legs_are():
    over = undersides(table(1.0, 0.6, 0.7, (1, 1, 1)), 0.01)
    thing = box(0.2, 0.2, 0.5, (1, 1, 1))
    assert room_below(thing, over, 0, 0, 0.52)
    assert not room_below(thing, over, 0, 0, 0.68)  # the board is at 0.66
    assert not room_below(thing, over, 0.42, 0.22, 0.52)  # a leg
    assert not room_below(thing, over, 0.6, 0, 0.52)  # outside


def test_separation_is_the_gap_between_footprints():
    first, second = box(0.2, 0.2, 0.2, (1, 1, 1)), box(0.4, 0.4, 0.1, (1, 1, 1))
    assert separation(first, second.moved((0.35, 0, 0))) == pytest.approx(0.05, abs=1e-5)
    assert separation(first, second.moved((0.2, 0.1, 0))) < 0
    turned = first.moved((0, 0, 0), np.pi / 4)  # its corner now reaches 0.1414
    assert separation(turned, second.moved((0.4, 0, 0))) == pytest.approx(0.2 - 0.14142, abs=1e-4)
