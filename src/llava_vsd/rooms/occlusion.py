"""How open each pixel is to what lights it from all around (ambient occlusion); compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from llava_vsd.rooms.compiled import compiled

TILE = 16
"""Samples along the side of the tiles that are asked whether anything is near."""

REACH = 0.22
"""Metres within which one surface dims another."""


@compiled
def background(eye: Any, ray: Any, planes: Any) -> tuple[int, float]:
    """The surface of the room that a ray meets first, and the distance in lengths of the ray."""
    best, nearest = 0, 1e9
    for k in range(len(planes)):
        facing = planes[k, 0] * ray[0] + planes[k, 1] * ray[1] + planes[k, 2] * ray[2]
        if facing < -1e-6:
            height = planes[k, 0] * eye[0] + planes[k, 1] * eye[1] + planes[k, 2] * eye[2] - planes[k, 3]
            if -height / facing < nearest:
                best, nearest = k, -height / facing
    return best, nearest


@compiled
def noise(x: int, y: int, k: int) -> float:
    """A number in 0..1 that looks drawn, the same for the same place."""
    n = (x * 73856093) ^ (y * 19349663) ^ (k * 83492791)
    n = (n ^ (n >> 13)) * 1274126177
    return ((n ^ (n >> 16)) & 0xFFFF) / 65536.0


@compiled
def occlusion(
    corners: Any,
    seen: Any,
    depth: Any,
    axes: Any,
    eye: Any,
    focal: float,
    planes: Any,
    samples: Any,
    out: Any,
) -> None:
    """How open each pixel is: the share of a hemisphere of `REACH` that no surface takes.

    Args:
        corners, seen, depth, axes, eye, focal: as `raster.visible`, at two samples a pixel each way.
        planes: [k, 4], inward normal and offset of floor, ceiling and walls.
        samples: [s, 3], points in the unit ball.
        out: [h, w], a value for each pixel, 0..1.
    """
    height, width = out.shape
    rows, columns = depth.shape
    raw = np.empty((height, width), np.float32)
    span = np.empty((height, width), np.float32)
    tall, wide = rows // TILE + 1, columns // TILE + 1
    busy = np.zeros((tall, wide), np.bool_)  # tiles of samples in which there is any thing
    for v in range(rows):
        for u in range(columns):
            if seen[v, u] >= 0:
                busy[v // TILE, u // TILE] = True
    ray = np.empty(3)
    p = np.empty(3)
    n = np.empty(3)
    for y in range(height):
        for x in range(width):
            dx = (2 * x + 1 - 0.5 * columns) / focal
            dy = (2 * y + 1 - 0.5 * rows) / focal
            for k in range(3):
                ray[k] = axes[2, k] + dx * axes[0, k] + dy * axes[1, k]
            t = seen[2 * y, 2 * x]
            if t >= 0:
                z = 1.0 / depth[2 * y, 2 * x]
                e = corners[t]
                n[0] = (e[1, 1] - e[0, 1]) * (e[2, 2] - e[0, 2]) - (e[1, 2] - e[0, 2]) * (e[2, 1] - e[0, 1])
                n[1] = (e[1, 2] - e[0, 2]) * (e[2, 0] - e[0, 0]) - (e[1, 0] - e[0, 0]) * (e[2, 2] - e[0, 2])
                n[2] = (e[1, 0] - e[0, 0]) * (e[2, 1] - e[0, 1]) - (e[1, 1] - e[0, 1]) * (e[2, 0] - e[0, 0])
                length = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-20
                if n[0] * ray[0] + n[1] * ray[1] + n[2] * ray[2] > 0:
                    length = -length
                for k in range(3):
                    n[k] /= length
            else:
                plane, z = background(eye, ray, planes)
                for k in range(3):
                    n[k] = planes[plane, k]
            for k in range(3):
                p[k] = eye[k] + z * ray[k] + 0.004 * n[k]
            close = 0  # planes within reach, one bit each
            for k in range(len(planes)):
                if planes[k, 0] * p[0] + planes[k, 1] * p[1] + planes[k, 2] * p[2] - planes[k, 3] < REACH:
                    close |= 1 << k
            span[y, x] = z
            if t < 0 and close & (close - 1) == 0:  # a bare surface: is anything near it in the picture?
                reach = int(REACH * focal / max(z - REACH, 0.1)) + 2
                alone = True
                for v in range(max(0, (2 * y - reach) // TILE), min(tall - 1, (2 * y + reach) // TILE) + 1):
                    for u in range(
                        max(0, (2 * x - reach) // TILE), min(wide - 1, (2 * x + reach) // TILE) + 1
                    ):
                        if busy[v, u]:
                            alone = False
                if alone:
                    raw[y, x] = 1.0
                    continue
            shut = 0.0
            turn = 6.2831853 * noise(x & 3, y & 3, 7)
            c, s = np.cos(turn), np.sin(turn)
            for i in range(len(samples)):
                a = samples[i, 0] * c - samples[i, 1] * s
                b = samples[i, 0] * s + samples[i, 1] * c
                d = samples[i, 2]
                if a * n[0] + b * n[1] + d * n[2] < 0:
                    a, b, d = -a, -b, -d
                qx, qy, qz = p[0] + REACH * a, p[1] + REACH * b, p[2] + REACH * d
                inside = True
                for k in range(len(planes)):
                    if (
                        close >> k & 1
                        and planes[k, 0] * qx + planes[k, 1] * qy + planes[k, 2] * qz < planes[k, 3]
                    ):
                        inside = False
                if not inside:
                    shut += 1.0
                    continue
                qx -= eye[0]
                qy -= eye[1]
                qz -= eye[2]
                far = axes[2, 0] * qx + axes[2, 1] * qy + axes[2, 2] * qz
                if far < 0.05:
                    continue
                u = int(0.5 * columns + focal * (axes[0, 0] * qx + axes[0, 1] * qy + axes[0, 2] * qz) / far)
                v = int(0.5 * rows + focal * (axes[1, 0] * qx + axes[1, 1] * qy + axes[1, 2] * qz) / far)
                if 0 <= u < columns and 0 <= v < rows and depth[v, u] > 0:
                    before = far - 1.0 / depth[v, u]
                    if before > 0.006:
                        shut += min(1.0, 1.6 * REACH / before) if before < 4 * REACH else 0.0
            raw[y, x] = 1.0 - shut / len(samples)
    for y in range(height):
        for x in range(width):
            total, weight = 0.0, 0.0
            for v in range(max(0, y - 2), min(height, y + 2)):
                for u in range(max(0, x - 2), min(width, x + 2)):
                    if abs(span[v, u] - span[y, x]) < 0.03 * span[y, x]:
                        total += raw[v, u]
                        weight += 1.0
            out[y, x] = total / weight if weight > 0 else raw[y, x]
