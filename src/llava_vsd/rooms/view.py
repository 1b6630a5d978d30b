"""Where the camera stands: the pair in view, large enough, from where its relation shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llava_vsd.relations import Relation
from llava_vsd.rooms.mesh import Mesh
from llava_vsd.rooms.scene import SIDE, Camera

RISE: dict[Relation, tuple[float, float]] = {
    "on": (8, 34),
    "in": (32, 49),
    "under": (2, 15),
    "above": (-2, 14),
    "behind": (14, 34),
    "in front of": (10, 34),
    "next to": (6, 36),
    "to the left of": (6, 36),
    "to the right of": (6, 36),
}
"""Degrees by which the camera looks down, least and most."""


def _corners(mesh: Mesh) -> Any:
    low, high = mesh.low, mesh.high
    return np.array(
        [
            [(low, high)[i][0], (low, high)[j][1], (low, high)[k][2]]
            for i in (0, 1)
            for j in (0, 1)
            for k in (0, 1)
        ]
    )


def hidden_by(camera: Camera, hidden: Mesh, hider: Mesh) -> float:
    """The share of the box around one projection that lies in the box around another."""
    (x0, y0, x1, y1), (u0, v0, u1, v1) = (
        (*seen.min(axis=0), *seen.max(axis=0))
        for seen in (camera.project(_corners(mesh))[:, :2] for mesh in (hidden, hider))
    )
    wide, tall = min(x1, u1) - max(x0, u0), min(y1, v1) - max(y0, v0)
    return float(max(wide, 0) * max(tall, 0) / max((x1 - x0) * (y1 - y0), 1e-9))


def choose_camera(
    random: np.random.Generator, relation: Relation, pair: Sequence[Mesh], *, ceiling: float | None = None
) -> Camera | None:
    """A camera that looks along +y at the two; None where no distance will do.

    Args:
        relation: decides how far it looks down.
        pair: subject and object, in the world.
        ceiling: height that the camera stays below.
    """
    points = np.concatenate([_corners(mesh) for mesh in pair])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    span = float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
    focal = SIDE * random.uniform(0.95, 1.8)
    rise = np.radians(random.uniform(*RISE[relation]))
    azimuth = random.uniform(-0.12, 0.12)
    roll = np.radians(random.normal(0, 0.8))
    wanted = random.uniform(0.5, 0.86)
    shift = random.uniform(-0.10, 0.10, 2)
    smallest = min(float(np.linalg.norm(mesh.size)) for mesh in pair)
    if smallest / span < 0.22:  # come nearer: part of the larger one may leave the picture
        wanted *= random.uniform(1.1, 1.4)
    look = np.array([np.sin(azimuth) * np.cos(rise), np.cos(azimuth) * np.cos(rise), -np.sin(rise)])
    distance = span * focal / SIDE / wanted
    for _ in range(8):
        camera = Camera.looking(middle - distance * look, middle, focal, roll)
        seen = camera.project(points)
        if seen[:, 2].min() < 0.12:
            distance *= 1.3
            continue
        extent = float((seen[:, :2].max(axis=0) - seen[:, :2].min(axis=0)).max()) / SIDE
        if abs(extent - wanted) < 0.02:
            break
        distance *= 0.4 + 0.6 * extent / wanted
    off = distance / focal * SIDE * (shift[0] * camera.axes[0] + shift[1] * camera.axes[1])
    eye = middle - distance * look + off
    eye[2] = max(eye[2], 0.12)
    camera = Camera.looking(eye, middle + off, focal, roll)
    if ceiling is not None and eye[2] > ceiling - 0.1:
        return None
    return camera if camera.project(points)[:, 2].min() > 0.12 else None
