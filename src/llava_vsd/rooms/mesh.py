"""A thing's shape as triangles with colours and textures: what is read, kept, placed and drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from llava_vsd.rooms.raster import bounds

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int32]

TRIANGLES = 8_000
"""No model has more after `decimated`: enough at 336 pixels, few enough to draw in milliseconds."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in metres: x to the right, y to the back, z up; the front faces -y, the lowest point is z = 0.

    Attributes:
        corners: [n, 3, 3], positions.
        normals: [n, 3, 3], unit length.
        uvs: [n, 3, 2], of the texture; whole numbers repeat it.
        material: [n], row of `colours` and of `textured`.
        colours: [m, 4], linear red, green, blue and opacity in 0..1.
        textured: [m], place in `textures`, or -1 where the colour is plain.
        textures: [h, w, 3] each, sRGB bytes.
        materials: what the model's file calls each material.
    """

    corners: Floats
    normals: Floats
    uvs: Floats
    material: Ints
    colours: Floats
    textured: Ints
    textures: tuple[npt.NDArray[np.uint8], ...] = ()
    materials: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.corners)

    @cached_property
    def _bounds(self) -> Floats:
        return np.asarray(bounds(self.corners))

    @property
    def low(self) -> Floats:
        """The corner of the box around it with the smallest coordinates, [3]."""
        return np.asarray(self._bounds[0])

    @property
    def high(self) -> Floats:
        """The corner of the box around it with the largest coordinates, [3]."""
        return np.asarray(self._bounds[1])

    @property
    def size(self) -> Floats:
        """Width, depth, height."""
        return np.asarray(self.high - self.low)

    def moved(self, place: Any, yaw: float = 0.0, scale: float = 1.0) -> Mesh:
        """Scaled, turned by `yaw` radians about z (anticlockwise from above), then shifted by `place` [3]."""
        cosine, sine = np.cos(yaw), np.sin(yaw)
        turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float32)  # row vectors
        corners, normals = self.corners, self.normals
        if yaw:
            corners, normals = ((part.reshape(-1, 3) @ turn).reshape(-1, 3, 3) for part in (corners, normals))
        if scale != 1:
            corners = corners * np.float32(scale)
        return replace(self, corners=corners + np.asarray(place, np.float32), normals=normals)

    def save(self, path: Path) -> None:
        """Writes it as npz; normals and texture coordinates in half precision."""
        arrays: dict[str, Any] = {f"texture{place}": texture for place, texture in enumerate(self.textures)}
        with path.open("wb") as file:
            np.savez(
                file,
                corners=self.corners,
                normals=self.normals.astype(np.float16),
                uvs=self.uvs.astype(np.float32),
                material=self.material.astype(np.int16),
                colours=self.colours,
                textured=self.textured,
                materials=np.array(self.materials or ("",), dtype=np.str_),
                **arrays,
            )

    @classmethod
    def load(cls, path: Path) -> Mesh:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            count = sum(name.startswith("texture") and name != "textured" for name in file.files)
            return cls(
                file["corners"],
                file["normals"].astype(np.float32),
                file["uvs"],
                file["material"].astype(np.int32),
                file["colours"],
                file["textured"],
                tuple(file[f"texture{place}"] for place in range(count)),
                tuple(str(name) for name in file["materials"]),
            )


def face_normals(corners: Floats) -> Floats:
    """Unit normals of triangles [n, 3, 3], as [n, 3]; those without area get +z."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).astype(np.float64)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    up = np.broadcast_to(np.array([0.0, 0.0, 1.0]), normals.shape)
    return np.where(lengths > 1e-12, normals / np.maximum(lengths, 1e-12), up).astype(np.float32)


def standing(mesh: Mesh, size: Any = None) -> Mesh:
    """The same scaled to `size` (width, depth, height; metres), centred over the origin, its lowest point at z = 0."""
    scale = np.ones(3, np.float32)
    if size is not None:
        scale = (np.asarray(size, np.float32) / np.maximum(mesh.size, 1e-6)).astype(np.float32)
    middle = (mesh.low + mesh.high) / 2
    middle[2] = mesh.low[2]
    normals = mesh.normals / scale
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-9)
    return replace(mesh, corners=((mesh.corners - middle) * scale).astype(np.float32), normals=normals)


def decimated(mesh: Mesh, most: int = TRIANGLES) -> Mesh:
    """At most `most` triangles: vertices that share a cell of a grid become one; the finest grid that will do.

    Corners keep their own normals and texture coordinates, so that seams and creases stay.
    """
    if len(mesh) <= most:
        return mesh
    coarse, fine = 8, 2048  # cells along the longest side
    best = _clustered(mesh, coarse)
    while fine - coarse > max(1, coarse // 24):
        cells = (coarse + fine) // 2
        trial = _clustered(mesh, cells)
        if len(trial) <= most:
            coarse, best = cells, trial
        else:
            fine = cells
    return best


def _clustered(mesh: Mesh, cells: int) -> Mesh:
    points = mesh.corners.reshape(-1, 3)
    grid = np.floor((points - mesh.low) / (float(mesh.size.max()) / cells)).astype(np.int64)
    keys = (grid[:, 0] * 4099 + grid[:, 1]) * 4099 + grid[:, 2]
    _, of, count = np.unique(keys, return_inverse=True, return_counts=True)
    of = of.reshape(-1)
    merged = np.stack([np.bincount(of, points[:, axis]) for axis in range(3)], axis=1) / count[:, None]
    corners = of.reshape(-1, 3)
    order = np.sort(corners, axis=1)
    whole = (order[:, 0] != order[:, 1]) & (order[:, 1] != order[:, 2])
    kept = np.flatnonzero(whole)
    _, first = np.unique(order[kept], axis=0, return_index=True)
    kept = kept[np.sort(first)]
    return replace(
        mesh,
        corners=merged[corners[kept]].astype(np.float32),
        normals=mesh.normals[kept],
        uvs=mesh.uvs[kept],
        material=mesh.material[kept],
    )
