"""Wavefront OBJ and MTL, read into a `Mesh` from any store of files (a zip archive, a folder)."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from llava_vsd.errors import FileError
from llava_vsd.rooms.mesh import Floats, Mesh, face_normals

Read = Callable[[str], bytes]
"""Gives a file's bytes by its path; raises KeyError where there is none."""

TEXTURE_SIDE = 192
"""Textures are shrunk to this: a model is seldom more than 200 pixels wide in the picture."""


@dataclass
class _Material:
    colour: tuple[float, float, float] = (0.8, 0.8, 0.8)
    opacity: float = 1.0
    texture: str = ""


def read_obj(path: str, read: Read) -> Mesh:
    """The model of an OBJ file, y up turned to z up; polygons become fans of triangles.

    Args:
        path: of the OBJ file, as `read` takes it; material files and textures are found relative to it.
        read: see `Read`.

    Raises:
        FileError: a line cannot be understood, or there is no triangle.
    """
    folder = posixpath.dirname(path)
    points: list[list[float]] = []
    normals: list[list[float]] = []
    uvs: list[list[float]] = []
    faces: list[int] = []  # nine a triangle: point, uv, normal of each corner; -1 where there is none
    material: list[int] = []
    names: dict[str, int] = {}
    libraries: list[str] = []
    current = -1
    for number, line in enumerate(read(path).decode("utf-8", "replace").splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "v":
                points.append([float(part) for part in rest.split()[:3]])
            elif word == "vn":
                normals.append([float(part) for part in rest.split()[:3]])
            elif word == "vt":
                uvs.append([float(part) for part in rest.split()[:2]])
            elif word == "f":
                corners = [
                    _corner(part, len(points), len(uvs), len(normals))
                    for part in rest.split()
                    if part != "\\"
                ]
                if current < 0:
                    current = names.setdefault("", len(names))
                for place in range(1, len(corners) - 1):
                    faces += corners[0] + corners[place] + corners[place + 1]
                    material.append(current)
            elif word == "usemtl":
                current = names.setdefault(rest.strip(), len(names))
            elif word == "mtllib":
                libraries.append(rest.strip())
        except ValueError:
            raise FileError(path, f"line {number}: {line.strip()!r} is not OBJ") from None
    if not material:
        raise FileError(path, "no face; expected an OBJ model")
    known: dict[str, _Material] = {}
    for library in libraries:
        known |= _read_mtl(posixpath.join(folder, library), read)
    index = np.array(faces, np.int64).reshape(-1, 3, 3)
    corners_of = _upright(np.array(points, np.float32))[index[:, :, 0]]
    normals_of = np.repeat(face_normals(corners_of)[:, None], 3, axis=1)
    if normals:
        given = _upright(np.array(normals, np.float32))
        given /= np.maximum(np.linalg.norm(given, axis=1, keepdims=True), 1e-9)
        normals_of = np.where(index[:, :, 2:] >= 0, given[index[:, :, 2]], normals_of)
    uvs_of = np.zeros((len(index), 3, 2), np.float32)
    if uvs:
        uvs_of = np.where(index[:, :, 1:2] >= 0, np.array(uvs, np.float32)[index[:, :, 1]], uvs_of)
    colours, textured, textures = _materials([known.get(name, _Material()) for name in names], folder, read)
    return Mesh(
        corners_of,
        normals_of.astype(np.float32),
        uvs_of.astype(np.float32),
        np.array(material, np.int32),
        colours,
        np.array(textured, np.int32),
        tuple(textures),
        tuple(names),
    )


def _corner(text: str, points: int, uvs: int, normals: int) -> list[int]:
    """`7/1/-2` as zero-based numbers of point, uv and normal; -1 where one is left out."""
    given = [*text.split("/"), "", ""][:3]
    found = []
    for part, count in zip(given, (points, uvs, normals), strict=True):
        number = int(part) if part else 0
        found.append(number - 1 if number > 0 else count + number if number < 0 else -1)
    if not 0 <= found[0] < points:
        raise ValueError(text)
    return [found[0], found[1] if found[1] < uvs else -1, found[2] if found[2] < normals else -1]


def _upright(vectors: Floats) -> Floats:
    return np.stack([vectors[:, 0], -vectors[:, 2], vectors[:, 1]], axis=1)


def _read_mtl(path: str, read: Read) -> dict[str, _Material]:
    try:
        text = read(path).decode("utf-8", "replace")
    except KeyError:
        return {}
    found: dict[str, _Material] = {}
    here = _Material()
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        parts = rest.split()
        if word == "newmtl":
            here = found.setdefault(rest.strip(), _Material())
        elif word == "Kd" and len(parts) >= 3:
            here.colour = (float(parts[0]), float(parts[1]), float(parts[2]))
        elif word == "d" and parts:
            here.opacity = float(parts[-1])
        elif word == "Tr" and parts:
            here.opacity = 1 - float(parts[-1])
        elif word == "map_Kd" and parts:
            here.texture = rest.strip()
    return found


def _materials(
    materials: list[_Material], folder: str, read: Read
) -> tuple[Floats, list[int], list[npt.NDArray[np.uint8]]]:
    """Rows of `Mesh.colours`, `Mesh.textured`, and the textures."""
    colours: list[tuple[float, ...]] = []
    textured: list[int] = []
    textures: list[npt.NDArray[np.uint8]] = []
    places: dict[str, int] = {}
    for material in materials:
        opacity = material.opacity if material.opacity > 0.02 else 1.0
        if material.texture and material.texture not in places:
            try:
                textures.append(_texture(read(posixpath.join(folder, material.texture))))
                places[material.texture] = len(textures) - 1
            except (KeyError, OSError):
                places[material.texture] = -1
        place = places.get(material.texture, -1) if material.texture else -1
        textured.append(place)
        # a texture stands in place of the colour: most of these files leave Kd grey or black under it
        colours.append((1, 1, 1, opacity) if place >= 0 else (*_linear(material.colour), opacity))
    return np.array(colours, np.float32), textured, textures


def _linear(colour: tuple[float, float, float]) -> tuple[float, ...]:
    return tuple(min(max(part, 0.0), 1.0) ** 2.2 for part in colour)


def _texture(data: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture).convert("RGB")
        picture.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE), Image.Resampling.BOX)
        return np.asarray(picture, np.uint8)
