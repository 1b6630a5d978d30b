"""A scene to a picture, and to what is seen where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llava_vsd.rooms.mesh import Floats
from llava_vsd.rooms.occlusion import occlusion
from llava_vsd.rooms.raster import heights_from, visible
from llava_vsd.rooms.scene import SIDE, Scene
from llava_vsd.rooms.shade import shade

SAMPLES = 2
"""Samples a pixel, each way."""

SHADOW_CELLS = 768
OCCLUSION_SAMPLES = 12

BOUNCE = 0.45
"""Light that the floor throws back, as a share of its colour."""

LINEAR = (np.arange(256, dtype=np.float32) / 255) ** 2.2


@dataclass(frozen=True, eq=False)
class Sight:
    """What is seen where, before any light falls on it.

    Attributes:
        seen: [2 * SIDE, 2 * SIDE], the triangle at each sample, -1 for the room's own surfaces.
        depth: of the same shape, 1 / metres along the axis.
        ids: of the same shape, the thing at each sample, -1 for the room's own surfaces.
        covered: [things], samples that each would cover if it stood alone.
    """

    seen: npt.NDArray[np.int32]
    depth: Floats
    ids: npt.NDArray[np.int32]
    covered: npt.NDArray[np.int64]


def _owners(scene: Scene) -> npt.NDArray[np.int32]:
    lengths = [len(thing.mesh) for thing in scene.things]
    return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)


def look(scene: Scene) -> Sight:
    """Finds what is seen at each sample."""
    side = SAMPLES * SIDE
    depth = np.empty((side, side), np.float32)
    seen = np.empty((side, side), np.int32)
    covered = np.zeros(len(scene.things), np.int64)
    owners = _owners(scene)
    opacity = np.concatenate([thing.mesh.colours[thing.mesh.material, 3] for thing in scene.things])
    camera = scene.camera
    visible(
        scene.corners,
        owners,
        opacity.astype(np.float32),
        camera.axes.astype(np.float64),
        camera.eye.astype(np.float64),
        SAMPLES * camera.focal,
        depth,
        seen,
        covered,
    )
    ids = np.where(seen >= 0, owners[np.maximum(seen, 0)], -1).astype(np.int32)
    return Sight(seen, depth, ids, covered)


def paint(scene: Scene, sight: Sight) -> npt.NDArray[np.uint8]:
    """The picture, [SIDE, SIDE, 3], sRGB."""
    meshes = [thing.mesh for thing in scene.things]
    rows = np.cumsum([0, *(len(mesh.colours) for mesh in meshes)])
    material = np.concatenate([mesh.material + rows[place] for place, mesh in enumerate(meshes)])
    colours = np.concatenate([mesh.colours for mesh in meshes])
    gloss = np.full((len(colours), 1), 0.12, np.float32)
    firsts = np.cumsum([0, *(len(mesh.textures) for mesh in meshes)])
    textured = np.concatenate(
        [np.where(mesh.textured >= 0, mesh.textured + firsts[place], -1) for place, mesh in enumerate(meshes)]
    )
    textures = [texture for mesh in meshes for texture in mesh.textures]
    starts = np.cumsum([0, *(texture.shape[0] * texture.shape[1] for texture in textures)])
    places = np.array(
        [[starts[row], texture.shape[1], texture.shape[0]] for row, texture in enumerate(textures)]
        or [[0, 1, 1]],
        np.int64,
    )
    texels = np.concatenate(
        [LINEAR[texture].reshape(-1, 3) for texture in textures] or [np.ones((1, 3), np.float32)]
    )
    light = _light_axes(scene.shell.sun)
    low, step, shadow = _shadow(scene, light)
    camera, shell = scene.camera, scene.shell
    axes, eye, focal = camera.axes.astype(np.float64), camera.eye.astype(np.float64), SAMPLES * camera.focal
    planes = shell.planes.astype(np.float64)
    openness = np.empty((SIDE, SIDE), np.float32)
    occlusion(scene.corners, sight.seen, sight.depth, axes, eye, focal, planes, _BALL, openness)
    lamp = shell.lamp.astype(np.float64)
    lamp[6:9] += BOUNCE * shell.surfaces[0, -1]  # the last of its halved sizes: the floor's mean colour
    picture = np.empty((SIDE, SIDE, 3), np.uint8)
    shade(
        scene.corners,
        np.concatenate([mesh.normals for mesh in meshes]).astype(np.float32),
        np.concatenate([mesh.uvs for mesh in meshes]).astype(np.float32),
        material.astype(np.int32),
        np.concatenate([colours, gloss], axis=1).astype(np.float32),
        textured.astype(np.int32),
        places,
        texels.astype(np.float32),
        sight.seen,
        sight.depth,
        axes,
        eye,
        focal,
        planes,
        shell.frames.astype(np.float64),
        shell.surfaces,
        shell.rug.astype(np.float64),
        openness,
        light,
        low,
        step,
        shadow,
        lamp,
        picture,
    )
    return picture


def _ball(count: int) -> npt.NDArray[np.float64]:
    """Points in the unit ball, spread evenly over directions and denser towards the middle."""
    place = np.arange(count) + 0.5
    height = 1 - 2 * place / count
    angle = np.pi * (1 + 5**0.5) * place
    ring = np.sqrt(1 - height**2)
    radius = 0.25 + 0.75 * ((place * 0.618) % 1.0) ** 1.5
    points = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1) * radius[:, None]
    return np.asarray(points, np.float64)


_BALL = _ball(OCCLUSION_SAMPLES)


def _light_axes(sun: Floats) -> npt.NDArray[np.float64]:
    towards = np.asarray(sun, np.float64) / np.linalg.norm(sun)
    along = np.cross([0.0, 1.0, 0.0], towards)
    along /= np.linalg.norm(along)
    return np.array([along, np.cross(towards, along), towards], np.float64)


def _shadow(
    scene: Scene, light: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], float, npt.NDArray[np.float32]]:
    flat = scene.corners.reshape(-1, 3) @ light[:2].T.astype(np.float32)
    low, high = flat.min(axis=0), flat.max(axis=0)
    step = float((high - low).max()) / (SHADOW_CELLS - 2)
    shadow = np.full((SHADOW_CELLS, SHADOW_CELLS), -1e9, np.float32)
    opacity = np.concatenate([thing.mesh.colours[thing.mesh.material, 3] for thing in scene.things])
    origin = low.astype(np.float64) - step
    heights_from(scene.corners, opacity.astype(np.float32), light, origin, step, shadow)
    return origin, step, shadow
