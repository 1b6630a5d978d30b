import numpy as np
import pytest

from llava_vsd.rooms.built import box
from llava_vsd.rooms.raster import NEAR, clipped
from llava_vsd.rooms.render import SAMPLES, look, paint
from llava_vsd.rooms.scene import SIDE, Camera


def test_the_camera_sees_right_to_the_right_and_up_above():
    camera = Camera.looking((0, -2, 1), (0, 0, 1), 100.0)
    seen = camera.project([[0, 0, 1], [1, 0, 1], [0, 0, 2], [0, 2, 1]])
    assert np.allclose(seen, [[168, 168, 2], [218, 168, 2], [168, 118, 2], [168, 168, 4]], atol=1e-4)


def test_a_board_covers_the_samples_that_its_projection_says(stage):
    # 0.4 wide and 0.2 high, its front 2 m before a camera of focal 1.2 x 336: 80.64 by 40.32 pixels
    board = box(0.4, 0.1, 0.2, (1, 0, 0))
    scene = stage.scene((board, "board", (0, 0.05, 0.3)), distance=2, height=0.4, aim=0.4)
    sight = look(scene)
    rows, columns = np.nonzero(sight.ids == 0)
    assert (np.ptp(columns) + 1) / SAMPLES == pytest.approx(80.64, abs=1)
    assert (np.ptp(rows) + 1) / SAMPLES == pytest.approx(40.32, abs=1)
    assert sight.covered[0] == len(rows)
    assert 1 / sight.depth[SIDE, SIDE] == pytest.approx(2.0, abs=1e-4)


def test_a_triangle_is_cut_at_the_near_plane():
    out = np.empty((4, 3))
    far = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 2.0]])
    assert clipped(far, out) == 3
    assert np.array_equal(out[:3], far)
    assert clipped(far * [1, 1, -1], out) == 0
    # one corner is NEAR before the plane, the others as far behind it: the cuts halve two sides
    z = np.array([0, 2 * NEAR, 2 * NEAR])
    assert clipped(np.column_stack([[0, 2, 0], [0, 0, 4], z]), out) == 4
    assert np.allclose(out, [[1, 0, NEAR], [2, 0, 2 * NEAR], [0, 4, 2 * NEAR], [0, 2, NEAR]])
    assert clipped(np.column_stack([[0, 2, 0], [0, 0, 4], 2 * NEAR - z]), out) == 3
    assert np.allclose(out[:3], [[0, 0, 2 * NEAR], [1, 0, NEAR], [0, 2, NEAR]])


def test_a_board_that_reaches_behind_the_eye_is_seen_up_to_the_picture_s_edge(stage):
    # its upper side is 0.1 below the eye, and goes from 2.5 m behind it to 1.5 m before it
    scene = stage.scene(
        (box(0.4, 4.0, 0.1, (1, 0, 0)), "board", (0, -3, 0)), distance=2.5, height=0.2, aim=0.2
    )
    sight = look(scene)
    focal = 1.2 * SIDE
    for row in (int(SIDE / 2 + focal * 0.1 / 1.4), SIDE * 3 // 4, SIDE - 1):
        line = np.flatnonzero(sight.ids[SAMPLES * row] == 0)
        away = 0.1 * focal / (row + 0.25 - SIDE / 2)  # metres to the board along the axis
        assert len(line) / SAMPLES == pytest.approx(min(SIDE, 0.4 * focal / away), abs=1)
        assert 1 / sight.depth[SAMPLES * row, SIDE] == pytest.approx(away, rel=1e-3)
    assert sight.covered[0] == np.count_nonzero(sight.ids == 0)


def test_what_is_nearer_hides_what_is_behind_it(stage):
    near, far = box(0.2, 0.1, 0.4, (1, 0, 0)), box(0.4, 0.1, 0.4, (0, 0, 1))
    scene = stage.scene((far, "far", (0, 1, 0)), (near, "near", (0, 0, 0)), height=0.2, aim=0.2)
    sight = look(scene)
    middle = sight.ids[SIDE]
    assert middle[SIDE] == 1
    shown = np.count_nonzero(sight.ids == 0)
    assert 0 < shown < sight.covered[0]
    # alone, the far board is drawn just as large as `covered` says
    assert (
        np.count_nonzero(look(stage.scene((far, "far", (0, 1, 0)), height=0.2, aim=0.2)).ids == 0)
        == sight.covered[0]
    )


def test_a_shadow_lies_on_the_side_away_from_the_light(stage):
    block = box(0.3, 0.3, 0.5, (0.5, 0.5, 0.5))
    scene = stage.scene((block, "block", (0, 0, 0)), distance=3, height=2.5, aim=0.0)
    bare = stage.scene(
        (box(0.01, 0.01, 0.01, (0.5, 0.5, 0.5)), "dot", (0, 0, 0)), distance=3, height=2.5, aim=0.0
    )
    darker = paint(bare, look(bare)).astype(int).sum(axis=2) - paint(scene, look(scene)).astype(int).sum(
        axis=2
    )
    away = -scene.shell.sun / np.linalg.norm(scene.shell.sun[:2])
    spots = scene.camera.project([[*(side * 0.3 * away[:2]), 0] for side in (1, -1)]).round().astype(int)
    shaded, lit = (darker[row, column] for column, row, _ in spots)
    assert shaded > 60
    assert shaded > 3 * abs(lit)


def test_colours_are_seen_as_they_are(stage):
    scene = stage.scene((box(0.5, 0.5, 0.5, (0.8, 0.1, 0.1)), "block", (0, 0, 0)))
    sight = look(scene)
    red, green, blue = paint(scene, sight)[sight.ids[::2, ::2] == 0].mean(axis=0)
    assert red > 2.0 * max(green, blue)
