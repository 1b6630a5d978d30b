import io
import tarfile
import zipfile

import numpy as np
import pytest

from llava_vsd.errors import FileError
from llava_vsd.rooms.archive import open_archives
from llava_vsd.rooms.mesh import Mesh
from llava_vsd.rooms.things import furniture_catalogue

# a wedge: 2 wide, 1 high, 4 deep before it is turned and scaled
WEDGE = "v 0 0 0\nv 2 0 0\nv 0 1 0\nv 0 0 4\nf 1 2 3\nf 1 3 4\nf 1 4 2\nf 2 4 3\n"
LISTING = """
id=Some#Models
license=CC0
name#1=Wedge
model#1=/some/wedge.obj
width#1=50.0
depth#1=20
height#1=30
name#2=Turned wedge
model#2=/some/turned.obj
width#2=40
depth#2=20
height#2=10
modelRotation#2=0 0 1 0 1 0 -1 0 0
"""


def furniture():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("PluginFurnitureCatalog.properties", LISTING.encode("latin-1"))
        packed.writestr("some/wedge.obj", WEDGE)
        packed.writestr("some/turned.obj", WEDGE)
    return file.getvalue()


def package(path):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:xz") as packed:
        member = tarfile.TarInfo("./usr/share/sweethome3d/furniture/Some.sh3f")
        member.size = len(furniture())
        packed.addfile(member, io.BytesIO(furniture()))
    parts = b"!<arch>\n"
    for name, data in (("debian-binary", b"2.0\n"), ("data.tar.xz", tar.getvalue())):
        parts += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        parts += data + b"\n" * (len(data) % 2)
    path.write_bytes(parts)
    return path


def test_a_model_has_the_size_that_the_catalogue_says_and_stands_on_the_floor(tmp_path):
    (tmp_path / "Some.sh3f").write_bytes(furniture())
    (archive,) = open_archives(tmp_path)
    assert archive.licence == "CC0"
    entry = archive.entries["Some/wedge"]
    assert entry.size == (0.5, 0.2, 0.3)
    mesh = archive.mesh(entry)
    assert np.allclose(mesh.size, entry.size)
    assert np.allclose(mesh.low, [-0.25, -0.1, 0])


def test_a_model_is_turned_before_it_is_scaled(tmp_path):
    (tmp_path / "Some.sh3f").write_bytes(furniture())
    (archive,) = open_archives(tmp_path)
    mesh = archive.mesh(archive.entries["Some/turned"])
    assert np.allclose(mesh.size, (0.4, 0.2, 0.1))
    # x of OBJ goes to -z, our back: the corner that stood to the right (2 of OBJ's x) is now the one at the back
    heel = mesh.corners.reshape(-1, 3)[mesh.corners.reshape(-1, 3)[:, 2] > 0.05]
    assert np.allclose(heel[:, 1], -0.1)


def test_a_debian_package_holds_the_same(tmp_path):
    (archive,) = open_archives(package(tmp_path / "furniture.deb"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/Some.sh3f").write_bytes(furniture())
    (other,) = open_archives(tmp_path / "folder")
    entry = archive.entries["Some/wedge"]
    assert np.array_equal(archive.mesh(entry).corners, other.mesh(other.entries["Some/wedge"]).corners)


@pytest.mark.parametrize("name", ["nothing.deb", "folder", "broken"])
def test_what_holds_no_furniture_is_named(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "nothing.deb").write_bytes(b"not a package")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/x.sh3f").write_bytes(b"not a zip file")
    with pytest.raises(FileError, match=name):
        list(open_archives(tmp_path / name))


def test_a_package_without_the_models_of_the_table_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"lacks 3\d\d models"):
        furniture_catalogue(package(tmp_path / "furniture.deb"), tmp_path / "cache")


def test_a_mesh_comes_back_from_its_file(tmp_path):
    (archive,) = open_archives(package(tmp_path / "furniture.deb"))
    mesh = archive.mesh(archive.entries["Some/wedge"])
    mesh.save(tmp_path / "wedge.npz")
    again = Mesh.load(tmp_path / "wedge.npz")
    assert np.array_equal(again.corners, mesh.corners)
    assert np.allclose(again.normals, mesh.normals, atol=1e-3)
    assert again.materials == mesh.materials
