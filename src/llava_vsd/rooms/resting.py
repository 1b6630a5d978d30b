"""Where a thing comes to rest: height maps of what is below it against the underside of the thing itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from llava_vsd.rooms.mesh import Mesh
from llava_vsd.rooms.raster import heights_from

_UP = np.eye(3)
_DOWN = np.diag([1.0, 1.0, -1.0])

NOTHING = -1e8
"""Heights below this mean that nothing is there."""


class Field(NamedTuple):
    """Heights over a grid.

    Attributes:
        low: [2], x and y of the first cell's corner.
        step: metres a cell.
        values: [rows (y), columns (x)].
    """

    low: Any
    step: float
    values: npt.NDArray[np.float32]


def step_for(mesh: Mesh) -> float:
    """A cell size that gives the thing's shorter side about twenty cells."""
    return float(np.clip(mesh.size[:2].min() / 20, 0.004, 0.03))


def tops(mesh: Mesh, step: float) -> Field:
    """The highest point over each cell; under `NOTHING` where there is none."""
    return _field(mesh, step, _UP)


def undersides(mesh: Mesh, step: float) -> Field:
    """The lowest point over each cell; above `-NOTHING` where there is none."""
    field = _field(mesh, step, _DOWN)
    return Field(field.low, step, -field.values)


def _field(mesh: Mesh, step: float, axes: Any) -> Field:
    low = mesh.low[:2].astype(np.float64)
    shape = np.maximum(np.ceil((mesh.high[:2] - low) / step).astype(int), 1)
    values = np.full((shape[1], shape[0]), -1e9, np.float32)
    heights_from(mesh.corners, np.ones(len(mesh), np.float32), axes, low, step, values)
    points = mesh.corners.reshape(-1, 3)  # thin legs may miss every cell's middle: their corners do not
    columns = np.clip(((points[:, 0] - low[0]) / step).astype(int), 0, shape[0] - 1)
    rows = np.clip(((points[:, 1] - low[1]) / step).astype(int), 0, shape[1] - 1)
    np.maximum.at(values, (rows, columns), (points[:, 2] * axes[2, 2]).astype(np.float32))
    return Field(low, step, values)


class Rest(NamedTuple):
    """How a thing rests.

    Attributes:
        x, y, z: what to shift it by.
        stable: the contact spans 30 % of its base each way and lies under its middle.
        over: share of its footprint that is over the thing below.
    """

    x: float
    y: float
    z: float
    stable: bool
    over: float


def rest(underside: Field, below: Field, x: float, y: float, floor: float = 0.0) -> Rest:
    """Drops a thing, given at the origin, at about (x, y) (moved to the next cell).

    Args:
        underside: of the thing that is dropped.
        below: tops of what it may meet, in the same cell size.
        x, y: shift, metres.
        floor: height of what is around.
    """
    step = below.step
    column = round((x + underside.low[0] - below.low[0]) / step)
    row = round((y + underside.low[1] - below.low[1]) / step)
    height, width = underside.values.shape
    window = np.full((height, width), floor, np.float32)
    inside = np.zeros((height, width), bool)
    rows, columns = below.values.shape
    r0, r1, c0, c1 = max(row, 0), min(row + height, rows), max(column, 0), min(column + width, columns)
    if r0 < r1 and c0 < c1:
        there = below.values[r0:r1, c0:c1]
        inside[r0 - row : r1 - row, c0 - column : c1 - column] = there > NOTHING
        window[r0 - row : r1 - row, c0 - column : c1 - column] = np.maximum(there, floor)
    solid = underside.values < -NOTHING
    lowest = float(underside.values[solid].min())
    z = float((window - underside.values)[solid].max())
    gaps = z + underside.values - window
    span = max(float(underside.values[solid].max()) - lowest, 0.01)
    contact = solid & (gaps < max(0.004, 0.02 * span))
    base = solid & (underside.values < lowest + max(0.008, 0.06 * span))
    return Rest(
        below.low[0] + column * step - underside.low[0],
        below.low[1] + row * step - underside.low[1],
        z,
        _spans(contact, base),
        float(inside[solid].mean()),
    )


def _spans(contact: npt.NDArray[np.bool_], base: npt.NDArray[np.bool_]) -> bool:
    touched, standing = np.argwhere(contact), np.argwhere(base)
    low, high = touched.min(axis=0), touched.max(axis=0)
    wide = standing.max(axis=0) - standing.min(axis=0)
    middle = (standing.max(axis=0) + standing.min(axis=0)) / 2
    slack = 0.15 * wide + 1
    return bool(
        np.all(high - low >= 0.3 * wide - 1)
        and np.all(low <= middle + slack)
        and np.all(high >= middle - slack)
    )


def room_below(thing: Mesh, underside: Field, x: float, y: float, height: float) -> bool:
    """Whether something `height` high fits on the floor under what `underside` describes.

    Args:
        thing: what is to fit, at the origin.
        underside: of what stands over it, in the world.
        x, y: shift of `thing`.
        height: with the air above it.
    """
    low = (np.array([x, y]) + thing.low[:2] - underside.low) / underside.step
    high = (np.array([x, y]) + thing.high[:2] - underside.low) / underside.step
    c0, r0 = np.floor(low - 1).astype(int)
    c1, r1 = np.ceil(high + 1).astype(int)
    rows, columns = underside.values.shape
    if r1 <= 0 or c1 <= 0 or r0 >= rows or c0 >= columns:
        return False
    there = underside.values[max(r0, 0) : r1, max(c0, 0) : c1]
    covered = int((there < -NOTHING).sum())
    return bool(there.min() >= height and covered >= 0.75 * (r1 - r0) * (c1 - c0))


def separation(first: Mesh, second: Mesh) -> float:
    """Metres between the convex hulls of two footprints; negative where they overlap."""
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    directions = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    ahead = directions @ second.corners.reshape(-1, 3)[:, :2].T
    behind = directions @ first.corners.reshape(-1, 3)[:, :2].T
    return float((ahead.min(axis=1) - behind.max(axis=1)).max())
