"""Makes the room around a scene: where its walls stand, what covers them, how it is lit."""

from __future__ import annotations

from typing import Any

import numpy as np

from llava_vsd.rooms import surfaces
from llava_vsd.rooms.scene import Shell

NO_RUG = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def wall_normal(turn: float) -> Any:
    """The inward normal of the back wall of a room that is turned by `turn` radians: towards -y at 0."""
    return np.array([np.sin(turn), -np.cos(turn)])


def build_shell(
    random: np.random.Generator,
    *,
    turn: float,
    back: float,
    left: float,
    right: float,
    height: float,
    middle: Any,
    span: float,
) -> Shell:
    """A room with a back wall and two side walls, open behind the camera.

    Args:
        turn: of the room about z, radians; at 0 the back wall faces -y.
        back, left, right: distances of the walls from the origin, in metres, along the room's own directions.
        height: of the ceiling.
        middle: [2], where a rug may lie.
        span: of what stands there, metres; a rug is wider.
    """
    normal = wall_normal(turn)
    across = np.array([np.cos(turn), np.sin(turn)])
    planes = np.array(
        [
            [0, 0, 1, 0],
            [0, 0, -1, -height],
            [*normal, 0, -back],
            [*across, 0, -left],
            [*-across, 0, -right],
        ],
        np.float32,
    )
    floor, floor_span = surfaces.FLOORS[random.integers(len(surfaces.FLOORS))]
    wall, wall_span = surfaces.WALLS[random.integers(len(surfaces.WALLS))]
    floor_turn = turn + (np.pi / 2 if random.random() < 0.5 else 0.0)
    floor_axes = [np.cos(floor_turn), np.sin(floor_turn), 0, -np.sin(floor_turn), np.cos(floor_turn), 0]
    floor_repeats = 1 / random.uniform(*floor_span)
    wall_repeats = 1 / random.uniform(*wall_span)
    frames = np.array(
        [
            [*floor_axes, floor_repeats, 0],
            [*floor_axes, 1.0, 1],
            [*across, 0, 0, 0, 1, wall_repeats, 2],
            [*normal, 0, 0, 0, 1, wall_repeats, 2],
            [*normal, 0, 0, 0, 1, wall_repeats, 2],
        ],
        np.float32,
    )
    rug = np.array(NO_RUG, np.float32)
    if random.random() < 0.3:
        size = span * random.uniform(0.55, 0.9)
        round_ = float(random.random() < 0.3)
        centre = np.asarray(middle) + random.uniform(-0.2, 0.2, 2) * span
        rug_turn = turn + random.uniform(-0.3, 0.3)
        rug[:] = [
            *centre,
            size,
            size * random.uniform(0.65, 1.0),
            rug_turn,
            round_,
            3,
            1 / random.uniform(0.5, 1.0),
        ]
    warm = random.uniform(-1, 1)
    key = np.array([1.0 + 0.10 * warm, 1.0, 1.0 - 0.14 * warm]) * random.uniform(1.5, 2.2)
    sky = np.array([1.0 - 0.03 * warm, 1.0, 1.0 + 0.06 * warm]) * random.uniform(0.42, 0.62)
    angle, rise = random.uniform(-1.25, 1.25), random.uniform(0.75, 1.25)
    sun = np.array([np.sin(angle) * np.cos(rise), -np.cos(angle) * np.cos(rise), np.sin(rise)])
    lamp = [
        *key,
        *sky,
        *(0.30 * sky),
        random.uniform(0.05, 0.14),
        random.uniform(0.08, 0.3),
        random.uniform(0.72, 0.95),
        random.choice([0.0, 0.07, 0.09, 0.12]),
        random.choice([0.85, 0.85, 0.5, 0.2]),
    ]
    return Shell(
        planes,
        frames,
        (floor, surfaces.ceiling, wall, *([surfaces.rug] if rug[2] > 0 else [])),
        int(random.integers(2**31)),
        rug,
        sun.astype(np.float32),
        np.array(lamp, np.float32),
    )
