import io

import numpy as np
import pytest
from PIL import Image

from llava_vsd.errors import FileError
from llava_vsd.rooms.obj import read_obj

SQUARE = """
mtllib square.mtl
v 0 0 0
v 2 0 0
v 2 3 0
v 0 3 0
vn 0 0 1
vt 0 0
vt 1 1
usemtl red
f 1/1/1 2/2/1 3/1/1 4/2/1
usemtl pictured
f -4//1 -3//1 -2//1
"""
MATERIALS = """
newmtl red
Kd 1 0 0.5
d 0.25
newmtl pictured
map_Kd picture.png
"""


def archive(obj=SQUARE):
    file = io.BytesIO()
    Image.new("RGB", (8, 4), (10, 20, 30)).save(file, "PNG")
    return {
        "a/square.obj": obj.encode(),
        "a/square.mtl": MATERIALS.encode(),
        "a/picture.png": file.getvalue(),
    }


def test_a_square_becomes_two_triangles_with_y_up_turned_to_z_up():
    mesh = read_obj("a/square.obj", archive().__getitem__)
    assert mesh.corners.tolist() == [
        [[0, 0, 0], [2, 0, 0], [2, 0, 3]],
        [[0, 0, 0], [2, 0, 3], [0, 0, 3]],
        [[0, 0, 0], [2, 0, 0], [2, 0, 3]],
    ]
    assert mesh.normals.reshape(-1, 3).tolist() == [[0, -1, 0]] * 9  # +z of OBJ, the front, is our -y
    assert mesh.uvs[0].tolist() == [[0, 0], [1, 1], [0, 0]]
    assert mesh.material.tolist() == [0, 0, 1]


def test_materials_have_colour_opacity_and_texture():
    mesh = read_obj("a/square.obj", archive().__getitem__)
    assert mesh.materials == ("red", "pictured")
    assert np.allclose(mesh.colours, [[1, 0, 0.5**2.2, 0.25], [1, 1, 1, 1]])
    assert mesh.textured.tolist() == [-1, 0]
    assert mesh.textures[0].shape == (4, 8, 3)
    assert mesh.textures[0][0, 0].tolist() == [10, 20, 30]


def test_a_missing_texture_leaves_the_plain_colour():
    files = archive()
    del files["a/picture.png"]
    assert read_obj("a/square.obj", files.__getitem__).textured.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "problem"), [("v 0 0\nf 1 2 3", "line 2"), ("v 0 0 x", "line 1"), ("v 0 0 0", "no face")]
)
def test_what_is_no_model_is_told_with_its_line(text, problem):
    with pytest.raises(FileError, match=problem):
        read_obj("a/square.obj", archive(text).__getitem__)
