"""A room with things in it, seen by a camera: everything that decides a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from llava_vsd.rooms.mesh import Floats, Mesh
from llava_vsd.rooms.paint import words_for
from llava_vsd.rooms.surfaces import pyramid

SIDE = 336
"""Pixels, each way."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A thing at its place.

    Attributes:
        name: what a person calls it; "" for what is there but is not spoken of.
        model: key of the model that it shows.
        mesh: in the world's metres.
        coloured: whether one colour can be said of it.
        slotted: whether what is in it or behind it shows through in bits.
    """

    name: str
    model: str
    mesh: Mesh
    coloured: bool = True
    slotted: bool = False

    @cached_property
    def words(self) -> tuple[str, ...]:
        """True adjectives: colour, material."""
        return words_for(self.mesh) if self.coloured else ()


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole.

    Attributes:
        eye: [3], metres.
        axes: [3, 3], rows right, down, forward; unit length.
        focal: in pixels.
    """

    eye: Floats
    axes: Floats
    focal: float

    @classmethod
    def looking(cls, eye: Any, target: Any, focal: float, roll: float = 0.0) -> Camera:
        """At `eye`, with `target` in the middle of the picture, turned by `roll` radians about the line of sight."""
        forward = np.asarray(target, np.float64) - np.asarray(eye, np.float64)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        cosine, sine = np.cos(roll), np.sin(roll)
        axes = np.stack([cosine * right + sine * down, cosine * down - sine * right, forward])
        return cls(np.asarray(eye, np.float32), axes.astype(np.float32), float(focal))

    def project(self, points: Any) -> Floats:
        """Columns, rows (pixels) and distance along the axis of points [n, 3], as [n, 3]."""
        seen = (np.asarray(points, np.float32) - self.eye) @ self.axes.T
        far = np.maximum(seen[:, 2:], 1e-3)
        return np.concatenate([self.focal * seen[:, :2] / far + SIDE / 2, seen[:, 2:]], axis=1)


@dataclass(frozen=True, eq=False)
class Shell:
    """Floor, ceiling and walls, and the light.

    Attributes:
        planes: [k, 4], inward normal and offset: floor, ceiling, then walls.
        frames: [k, 8], see `shade.shade`.
        drawers: what draws the textures that `frames` and `rug` name.
        seed: of what is random in them.
        rug: [8], see `shade.shade`; no rug where the half length is 0.
        sun: [3], unit length, towards the light.
        lamp: [14], see `shade.shade`; the floor's bounce colour without the floor's own share.
    """

    planes: Floats
    frames: Floats
    drawers: tuple[Callable[[np.random.Generator], Floats], ...]
    seed: int
    rug: Floats
    sun: Floats
    lamp: Floats

    @cached_property
    def surfaces(self) -> Floats:
        """The textures, [s, p, 3], linear, with halved sizes; drawn when they are first asked for."""
        random = np.random.default_rng(self.seed)
        return np.stack([pyramid(drawer(random)) for drawer in self.drawers])


@dataclass(frozen=True, eq=False)
class Scene:
    """What the camera sees: the things of the asked pair first."""

    things: tuple[Placed, ...]
    camera: Camera
    shell: Shell

    @cached_property
    def corners(self) -> Floats:
        """All triangles, [n, 3, 3]."""
        return np.concatenate([thing.mesh.corners for thing in self.things]).astype(np.float32)
