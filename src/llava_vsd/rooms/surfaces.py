"""Floors, walls and rugs, drawn by rule: no texture file is needed, and no two rooms need be alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.float32]
"""[side, side, 3], linear light; repeats seamlessly."""

Random: TypeAlias = np.random.Generator

SIDE = 256
"""Texels each way: a power of two."""

_WOODS = ((0.50, 0.30, 0.15), (0.62, 0.42, 0.24), (0.36, 0.20, 0.10), (0.72, 0.55, 0.36), (0.45, 0.36, 0.28))
_TILES = ((0.78, 0.74, 0.68), (0.62, 0.58, 0.54), (0.85, 0.84, 0.82), (0.55, 0.42, 0.33), (0.50, 0.54, 0.56))
_CARPETS = (
    (0.55, 0.50, 0.44),
    (0.40, 0.42, 0.46),
    (0.36, 0.30, 0.28),
    (0.42, 0.46, 0.38),
    (0.62, 0.58, 0.52),
)
_PAINTS = (
    (0.90, 0.88, 0.84), (0.82, 0.84, 0.80), (0.80, 0.85, 0.88), (0.90, 0.84, 0.74), (0.75, 0.82, 0.76),
    (0.86, 0.78, 0.74), (0.70, 0.74, 0.80), (0.93, 0.92, 0.90), (0.84, 0.80, 0.86), (0.60, 0.68, 0.66),
)  # fmt: skip
_RUGS = ((0.50, 0.16, 0.14), (0.18, 0.26, 0.42), (0.70, 0.64, 0.54), (0.30, 0.38, 0.30), (0.52, 0.42, 0.26))


def _linear(colour: npt.ArrayLike) -> Picture:
    return (np.clip(np.asarray(colour, np.float32), 0, 1) ** np.float32(2.2)).astype(np.float32)


def _noise(random: Random, cells_y: int, cells_x: int) -> npt.NDArray[np.float32]:
    """Smooth noise, [SIDE, SIDE], about -1..1, that repeats; so many bumps each way."""
    grid = random.uniform(-1, 1, (cells_y, cells_x)).astype(np.float32)
    return _stretched(_stretched(grid, 0), 1)


def _stretched(grid: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    cells = grid.shape[axis]
    at = np.arange(SIDE, dtype=np.float32) * cells / SIDE
    first = at.astype(np.int64)
    weight = at - first
    weight = weight * weight * (3 - 2 * weight)
    weight = weight[:, None] if axis == 0 else weight[None, :]
    a = np.take(grid, first % cells, axis=axis)
    b = np.take(grid, (first + 1) % cells, axis=axis)
    return np.asarray(a * (1 - weight) + b * weight, np.float32)


def _varied(
    random: Random, colours: tuple[tuple[float, ...], ...], spread: float = 0.06
) -> npt.NDArray[np.float32]:
    base = np.asarray(colours[random.integers(len(colours))], np.float32)
    return np.clip(base * random.uniform(0.8, 1.15) + random.uniform(-spread, spread, 3), 0.04, 0.96).astype(
        np.float32
    )


def _grid() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return y, x


def _grain(random: Random) -> npt.NDArray[np.float32]:
    """Streaks along x."""
    return np.asarray(
        0.55 * _noise(random, 64, 4) + 0.35 * _noise(random, 128, 8) + 0.3 * _noise(random, 16, 2), np.float32
    )


def planks(random: Random) -> Picture:
    """Boards side by side, each with a tone of its own."""
    rows = int(random.choice([4, 8, 8, 16]))
    y, x = _grid()
    row = y * rows // SIDE
    shift = random.integers(0, SIDE, rows)[row]
    board = (x + shift) % SIDE * 2 // SIDE + 2 * row
    tone = random.uniform(-0.12, 0.12, 2 * rows)[board]
    grain = np.empty((SIDE, SIDE), np.float32)
    source = _grain(random)
    grain[:] = np.take_along_axis(source, (x + shift * 3) % SIDE, axis=1)
    seam = (y % (SIDE // rows) == 0) | ((x + shift) % (SIDE // 2) == 0)
    shade = 1 + tone + 0.10 * grain
    shade = np.where(seam, shade * 0.6, shade)
    return _linear(_varied(random, _WOODS) * shade[..., None])


def parquet(random: Random) -> Picture:
    """Square blocks of strips, turned by turns."""
    blocks, strips = int(random.choice([2, 4])), 4
    y, x = _grid()
    size = SIDE // blocks
    turned = (y // size + x // size) % 2 == 0
    along = np.where(turned, y, x) % size
    strip = along * strips // size
    tone = random.uniform(-0.14, 0.14, (blocks, blocks, strips))[y // size, x // size, strip]
    source = _grain(random)
    grain = np.where(turned, source, source.T)
    seam = (along % (size // strips) == 0) | (y % size == 0) | (x % size == 0)
    shade = np.where(seam, 0.62, 1.0) * (1 + tone + 0.08 * grain)
    return _linear(_varied(random, _WOODS) * shade[..., None])


def tiles(random: Random) -> Picture:
    """Square tiles with joints; sometimes in two colours."""
    count = int(random.choice([2, 4, 4]))
    y, x = _grid()
    size = SIDE // count
    tone = random.uniform(-0.05, 0.05, (count, count))[y // size, x // size]
    cloud = 0.05 * _noise(random, 8, 8) + 0.03 * _noise(random, 32, 32)
    colour = np.broadcast_to(_varied(random, _TILES), (SIDE, SIDE, 3)).copy()
    if random.random() < 0.35:
        other = _varied(random, _TILES) * random.uniform(0.4, 0.8)
        colour[(y // size + x // size) % 2 == 1] = other
    colour *= (1 + tone + cloud)[..., None]
    joint = max(1, SIDE // 128)
    colour[(y % size < joint) | (x % size < joint)] = random.uniform(0.35, 0.75)
    return _linear(colour)


def carpet(random: Random) -> Picture:
    """Short pile."""
    fleck = random.normal(0, 0.05, (SIDE, SIDE)).astype(np.float32) + 0.05 * _noise(random, 8, 8)
    return _linear(_varied(random, _CARPETS) * (1 + fleck)[..., None])


def stone(random: Random) -> Picture:
    """Screed, slate or marble: clouds."""
    cloud = 0.10 * _noise(random, 4, 4) + 0.07 * _noise(random, 12, 12) + 0.05 * _noise(random, 40, 40)
    return _linear(_varied(random, _TILES) * (1 + cloud)[..., None])


def paint(random: Random) -> Picture:
    """A painted wall."""
    rough = 0.012 * _noise(random, 64, 64) + 0.01 * _noise(random, 4, 4)
    return _linear(_varied(random, _PAINTS, 0.04) * (1 + rough)[..., None])


def stripes(random: Random) -> Picture:
    """Wallpaper in stripes."""
    _, x = _grid()
    count = int(random.choice([8, 16]))
    first = _varied(random, _PAINTS, 0.04)
    second = np.clip(first * random.uniform(0.82, 0.94), 0, 1)
    wide = random.uniform(0.3, 0.6)
    inside = (x * count / SIDE) % 1 < wide
    return _linear(np.where(inside[..., None], first, second))


def dots(random: Random) -> Picture:
    """Wallpaper with a small figure."""
    y, x = _grid()
    count = int(random.choice([8, 12]))
    cell = SIDE / count
    row = (y / cell).astype(np.int64)
    u = (x + (row % 2) * cell / 2) % cell / cell - 0.5
    v = y % cell / cell - 0.5
    kind = random.integers(3)
    far = (
        np.hypot(u, v)
        if kind == 0
        else np.abs(u) + np.abs(v)
        if kind == 1
        else np.maximum(np.abs(u), np.abs(v))
    )
    first = _varied(random, _PAINTS, 0.04)
    second = np.clip(first * random.uniform(0.72, 0.9), 0, 1)
    return _linear(np.where((far < random.uniform(0.14, 0.3))[..., None], second, first))


def bricks(random: Random) -> Picture:
    """A wall of bricks, bare or painted."""
    rows, columns = 16, 4
    y, x = _grid()
    row = y * rows // SIDE
    shifted = (x + (row % 2) * (SIDE // columns // 2)) % SIDE
    tone = random.uniform(-0.15, 0.15, (rows, columns))[row, shifted * columns // SIDE]
    base = np.array([0.62, 0.33, 0.24]) if random.random() < 0.5 else _varied(random, _PAINTS)
    deep = 1.0 if base[1] < 0.5 else 0.25
    shade = 1 + deep * tone + 0.06 * _noise(random, 64, 64)
    joint = (y % (SIDE // rows) < 2) | (shifted % (SIDE // columns) < 2)
    colour = np.where(joint[..., None], base * 0.8 + 0.08, base * shade[..., None])
    return _linear(colour)


def rug(random: Random) -> Picture:
    """Woven: bands of a colour or two."""
    y, x = _grid()
    first, second = _varied(random, _RUGS), _varied(random, _RUGS)
    bands = int(random.choice([0, 4, 8]))
    mask = (((y if random.random() < 0.5 else x) * max(bands, 1) / SIDE) % 1 < 0.5) & (bands > 0)
    weave = 0.06 * random.normal(0, 1, (SIDE, SIDE)) + 0.05 * (((x // 2 + y // 2) % 2) - 0.5)
    return _linear(np.where(mask[..., None], second, first) * (1 + weave)[..., None])


def ceiling(random: Random) -> Picture:
    """White."""
    return _linear(np.full((SIDE, SIDE, 3), random.uniform(0.86, 0.95)))


FLOORS: tuple[tuple[Callable[[Random], Picture], tuple[float, float]], ...] = (
    (planks, (0.8, 1.6)),
    (planks, (0.8, 1.6)),
    (parquet, (0.7, 1.4)),
    (tiles, (0.8, 1.8)),
    (carpet, (0.6, 1.0)),
    (stone, (1.5, 2.5)),
)
"""Kinds of floor, and the metres that a texture covers, least and most."""

WALLS: tuple[tuple[Callable[[Random], Picture], tuple[float, float]], ...] = (
    (paint, (1.5, 2.5)),
    (paint, (1.5, 2.5)),
    (paint, (1.5, 2.5)),
    (stripes, (0.8, 1.6)),
    (dots, (0.7, 1.2)),
    (bricks, (0.9, 1.1)),
)
"""Likewise, of walls."""


def pyramid(picture: Picture) -> npt.NDArray[np.float32]:
    """A square texture with its halved sizes down to 1 x 1, one after the other: [p, 3]."""
    levels = [picture]
    while levels[-1].shape[0] > 1:
        last = levels[-1]
        quarter = np.float32(0.25)
        levels.append(quarter * (last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]))
    return np.concatenate([level.reshape(-1, 3) for level in levels])
