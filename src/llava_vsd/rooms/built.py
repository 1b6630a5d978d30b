"""Things made by code: a shelf and a picture for the walls, and a small catalogue that needs no file at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from llava_vsd.rooms.mesh import Floats, Mesh, face_normals

Colour = Sequence[float]
"""sRGB, 0..1."""


def _mesh(parts: list[tuple[Floats, Floats | None, Colour]]) -> Mesh:
    corners = np.concatenate([part[0] for part in parts]).astype(np.float32)
    flat = [np.repeat(face_normals(part[0])[:, None], 3, axis=1) for part in parts]
    normals = [flat[place] if part[1] is None else part[1] for place, part in enumerate(parts)]
    material = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    colours = [[*(np.asarray(part[2], np.float32) ** 2.2), 1.0] for part in parts]
    return Mesh(
        corners,
        np.concatenate(normals).astype(np.float32),
        np.zeros((len(corners), 3, 2), np.float32),
        material.astype(np.int32),
        np.array(colours, np.float32),
        np.full(len(parts), -1, np.int32),
        (),
        tuple(f"part{place}" for place in range(len(parts))),
    )


def _block(low: Any, high: Any) -> Floats:
    """A box as 12 triangles, [12, 3, 3], seen from outside."""
    low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
    points = np.array(
        [
            [(low, high)[i][0], (low, high)[j][1], (low, high)[k][2]]
            for i in (0, 1)
            for j in (0, 1)
            for k in (0, 1)
        ]
    )
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return np.array(
        [points[list(part)] for a, b, c, d in quads for part in ((a, b, c), (a, c, d))], np.float32
    )


def _turned(profile: Any, around: int = 40) -> tuple[Floats, Floats]:
    """A surface of revolution about z from (radius, height) points, with smooth normals round the axis."""
    profile = np.asarray(profile, np.float64)
    angle = np.linspace(0, 2 * np.pi, around + 1)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    corners, normals = [], []
    for (r0, z0), (r1, z1) in pairwise(profile):
        slope = np.array([z1 - z0, -(r1 - r0)])
        slope /= np.linalg.norm(slope) + 1e-12
        for i in range(around):
            a, b = ring[i], ring[i + 1]
            quad = [(*(r0 * a), z0), (*(r0 * b), z0), (*(r1 * b), z1), (*(r1 * a), z1)]
            outward = [(*(slope[0] * side), slope[1]) for side in (a, b, b, a)]
            for part in ((0, 1, 2), (0, 2, 3)):
                corners.append([quad[k] for k in part])
                normals.append([outward[k] for k in part])
    return np.array(corners, np.float32), np.array(normals, np.float32)


def box(width: float, depth: float, height: float, colour: Colour) -> Mesh:
    """A closed box."""
    return _mesh([(_block([-width / 2, -depth / 2, 0], [width / 2, depth / 2, height]), None, colour)])


def crate(width: float, depth: float, height: float, colour: Colour, wall: float = 0.02) -> Mesh:
    """A box without its lid."""
    x, y = width / 2, depth / 2
    blocks = [
        _block([-x, -y, 0], [x, y, wall]),
        _block([-x, -y, wall], [-x + wall, y, height]),
        _block([x - wall, -y, wall], [x, y, height]),
        _block([-x + wall, -y, wall], [x - wall, -y + wall, height]),
        _block([-x + wall, y - wall, wall], [x - wall, y, height]),
    ]
    return _mesh([(np.concatenate(blocks), None, colour)])


def table(
    width: float, depth: float, height: float, colour: Colour, leg: float = 0.05, top: float = 0.04
) -> Mesh:
    """A board on four legs."""
    x, y = width / 2, depth / 2
    blocks = [_block([-x, -y, height - top], [x, y, height])]
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - leg / 2), sy * (y - leg / 2)
            blocks.append(_block([cx - leg / 2, cy - leg / 2, 0], [cx + leg / 2, cy + leg / 2, height - top]))
    return _mesh([(np.concatenate(blocks), None, colour)])


def chair(colour: Colour, width: float = 0.44, seat: float = 0.45, height: float = 0.9) -> Mesh:
    """Four legs, a seat, a back at +y."""
    low = table(width, width, seat, colour, 0.04, 0.04)
    back = _block([-width / 2, width / 2 - 0.03, seat], [width / 2, width / 2, height])
    return _mesh([(np.concatenate([low.corners, back]), None, colour)])


def ball(radius: float, colour: Colour) -> Mesh:
    """A sphere."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 21)
    corners, _ = _turned(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
    normals = corners / radius
    return _mesh([(corners + np.array([0, 0, radius], np.float32), normals, colour)])


def bowl(radius: float, height: float, colour: Colour) -> Mesh:
    """An open bowl with a flat foot."""
    steps = np.linspace(0.0, 1.0, 10)
    outer = [(radius * (0.45 + 0.55 * s**0.6), height * s) for s in steps]
    inner = [(0.93 * radius * (0.42 + 0.58 * s**0.6), height * (0.06 + 0.94 * s)) for s in steps[::-1]]
    corners, normals = _turned([(0.0, 0.0), *outer, *inner, (0.0, height * 0.06)])
    return _mesh([(corners, normals, colour)])


def hanging_lamp(radius: float, drop: float, colour: Colour) -> Mesh:
    """A shade on a cord: the cord's end is the highest point."""
    shade, normals = _turned(
        [(radius, 0.0), (0.3 * radius, 0.9 * radius), (0.28 * radius, 0.9 * radius), (0.96 * radius, 0.0)]
    )
    cord = _block([-0.004, -0.004, 0.85 * radius], [0.004, 0.004, 0.9 * radius + drop])
    return _mesh([(shade, normals, colour), (cord, None, (0.15, 0.15, 0.15))])


def shelf(width: float, depth: float, colour: Colour) -> Mesh:
    """A board with two brackets below, for a wall at +y; its top is its highest point."""
    board = _block([-width / 2, -depth / 2, 0.10], [width / 2, depth / 2, 0.125])
    brackets = [
        _block([x - 0.01, -depth / 4, 0.085], [x + 0.01, depth / 2, 0.10])
        for x in (-0.36 * width, 0.36 * width)
    ]
    feet = [
        _block([x - 0.01, depth / 2 - 0.015, 0.0], [x + 0.01, depth / 2, 0.085])
        for x in (-0.36 * width, 0.36 * width)
    ]
    return _mesh([(board, None, colour), (np.concatenate(brackets + feet), None, (0.3, 0.3, 0.3))])


def picture(width: float, height: float, frame: Colour, inside: Sequence[Colour]) -> Mesh:
    """A framed picture for a wall at +y: bands of colour, a landscape of sorts."""
    parts: list[tuple[Floats, Floats | None, Colour]] = [
        (_block([-width / 2, -0.012, 0], [width / 2, 0.012, height]), None, frame)
    ]
    edge = 0.09 * min(width, height)
    heights = np.linspace(edge, height - edge, len(inside) + 1)
    for low, high, colour in zip(heights[:-1], heights[1:], inside, strict=True):
        parts.append(
            (_block([-width / 2 + edge, -0.015, low], [width / 2 - edge, -0.011, high]), None, colour)
        )
    return _mesh(parts)


BUILT: dict[str, Callable[[], Mesh]] = {
    "red box": lambda: box(0.32, 0.26, 0.24, (0.75, 0.16, 0.12)),
    "blue box": lambda: box(0.36, 0.30, 0.28, (0.15, 0.25, 0.65)),
    "small ball": lambda: ball(0.05, (0.95, 0.55, 0.10)),
    "football": lambda: ball(0.11, (0.85, 0.85, 0.85)),
    "green ball": lambda: ball(0.10, (0.15, 0.55, 0.20)),
    "cup": lambda: bowl(0.045, 0.09, (0.90, 0.88, 0.80)),
    "bowl": lambda: bowl(0.14, 0.10, (0.20, 0.45, 0.70)),
    "large bowl": lambda: bowl(0.19, 0.13, (0.70, 0.62, 0.25)),
    "crate": lambda: crate(0.46, 0.34, 0.20, (0.62, 0.45, 0.25)),
    "book": lambda: box(0.17, 0.24, 0.03, (0.25, 0.12, 0.35)),
    "high table": lambda: table(1.2, 0.7, 0.74, (0.55, 0.36, 0.20)),
    "low table": lambda: table(0.9, 0.55, 0.45, (0.80, 0.80, 0.78)),
    "stool": lambda: table(0.36, 0.36, 0.45, (0.30, 0.20, 0.14)),
    "bench": lambda: table(1.1, 0.36, 0.45, (0.66, 0.50, 0.32)),
    "chair": lambda: chair((0.50, 0.22, 0.16)),
    "dark chair": lambda: chair((0.12, 0.12, 0.13), 0.48, 0.44, 0.85),
    "cabinet": lambda: box(0.9, 0.42, 0.8, (0.72, 0.70, 0.62)),
    "lamp": lambda: hanging_lamp(0.18, 0.5, (0.85, 0.60, 0.20)),
}
"""Models by key."""
