import numpy as np
import pytest

from llava_vsd.rooms.built import BUILT, ball, box, table
from llava_vsd.rooms.mesh import decimated


def volume(mesh):
    """Of a closed surface, by the divergence theorem."""
    a, b, c = (mesh.corners[:, k].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def test_a_box_is_closed_and_seen_from_outside():
    assert volume(box(0.3, 0.2, 0.5, (1, 0, 0))) == pytest.approx(0.03)


def test_a_ball_is_nearly_round():
    mesh = ball(0.1, (1, 1, 1))
    assert volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.1**3, rel=0.02)
    assert np.allclose(mesh.size, 0.2, atol=0.001)


@pytest.mark.parametrize("key", BUILT)
def test_everything_made_by_code_stands_on_the_floor_with_unit_normals(key):
    mesh = BUILT[key]()
    assert mesh.low[2] == pytest.approx(0, abs=1e-6)
    assert np.allclose(np.linalg.norm(mesh.normals, axis=2), 1, atol=1e-5)


def test_a_quarter_turn_takes_the_front_to_the_right_and_swaps_width_and_depth():
    mesh = table(1.2, 0.7, 0.74, (1, 1, 1)).moved((1, 2, 3), np.pi / 2, 2.0)
    assert np.allclose(mesh.size, (1.4, 2.4, 1.48), atol=1e-5)
    assert np.allclose(mesh.low, (1 - 0.7, 2 - 1.2, 3), atol=1e-5)
    front = box(1, 1, 1, (1, 1, 1)).moved((0, 0, 0), np.pi / 2)
    was_front = np.all(np.isclose(box(1, 1, 1, (1, 1, 1)).normals[:, 0], [0, -1, 0]), axis=1)
    assert np.allclose(front.normals[was_front], [1, 0, 0], atol=1e-6)


def test_decimation_keeps_the_shape_and_the_limit():
    fine = ball(0.5, (1, 1, 1))
    coarse = decimated(fine, 600)
    assert 300 < len(coarse) <= 600
    assert volume(coarse) == pytest.approx(volume(fine), rel=0.1)
    assert np.allclose(coarse.size, fine.size, atol=0.08)
    assert decimated(coarse, 600) is coarse
