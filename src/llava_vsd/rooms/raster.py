"""Which triangle is seen at each pixel: a z-buffer, compiled, for the camera and for the light."""

from __future__ import annotations

from typing import Any

import numpy as np

from llava_vsd.rooms.compiled import compiled

NEAR = 0.05
"""Metres before the eye that are seen."""


@compiled
def bounds(corners: Any) -> Any:
    """The smallest and the largest coordinates of corners [n, 3, 3], as [2, 3]."""
    out = np.empty((2, 3), np.float32)
    out[0], out[1] = np.inf, -np.inf
    for t in range(len(corners)):
        for c in range(3):
            for k in range(3):
                out[0, k] = min(out[0, k], corners[t, c, k])
                out[1, k] = max(out[1, k], corners[t, c, k])
    return out


@compiled
def visible(
    corners: Any,
    thing: Any,
    opacity: Any,
    axes: Any,
    eye: Any,
    focal: float,
    depth: Any,
    seen: Any,
    covered: Any,
) -> None:
    """Draws triangles in perspective; nearest wins. Triangles with a corner before `NEAR` are left out.

    Args:
        corners: [n, 3, 3], world.
        thing: [n], to which thing each belongs; triangles of a thing stand together.
        opacity: [n], 0..1; below 1 a share of the samples of each 2 x 2 block is left out, so that what lies behind
            shows through after the blocks are averaged.
        axes: [3, 3], rows right, down, forward.
        eye: [3].
        focal: in samples; the optical axis goes through the middle.
        depth: [h, w], out: 1 / distance along the axis, 0 where nothing is.
        seen: [h, w], out: the triangle, -1 where nothing is.
        covered: [things], out: how many samples each would cover if it stood alone.
    """
    height, width = depth.shape
    alone = np.full((height, width), -1, np.int32)
    depth[:] = 0
    seen[:] = -1
    covered[:] = 0
    sx = np.empty(3)
    sy = np.empty(3)
    iz = np.empty(3)
    for t in range(len(corners)):
        behind = False
        for c in range(3):
            dx = corners[t, c, 0] - eye[0]
            dy = corners[t, c, 1] - eye[1]
            dz = corners[t, c, 2] - eye[2]
            z = axes[2, 0] * dx + axes[2, 1] * dy + axes[2, 2] * dz
            if z < NEAR:
                behind = True
                break
            iz[c] = 1.0 / z
            sx[c] = 0.5 * width + focal * (axes[0, 0] * dx + axes[0, 1] * dy + axes[0, 2] * dz) * iz[c]
            sy[c] = 0.5 * height + focal * (axes[1, 0] * dx + axes[1, 1] * dy + axes[1, 2] * dz) * iz[c]
        if behind:
            continue
        area = (sx[1] - sx[0]) * (sy[2] - sy[0]) - (sx[2] - sx[0]) * (sy[1] - sy[0])
        if abs(area) < 1e-9:
            continue
        left = max(0, int(np.ceil(min(sx[0], sx[1], sx[2]) - 0.5)))
        right = min(width - 1, int(np.floor(max(sx[0], sx[1], sx[2]) - 0.5)))
        top = max(0, int(np.ceil(min(sy[0], sy[1], sy[2]) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(sy[0], sy[1], sy[2]) - 0.5)))
        if left > right or top > bottom:
            continue
        over = 1.0 / area
        # barycentric weights of corners 1 and 2 are linear in x and y
        ux = (sy[2] - sy[0]) * over
        uy = -(sx[2] - sx[0]) * over
        vx = -(sy[1] - sy[0]) * over
        vy = (sx[1] - sx[0]) * over
        fourths = round(opacity[t] * 4)
        for y in range(top, bottom + 1):
            py = y + 0.5 - sy[0]
            px = left + 0.5 - sx[0]
            u = ux * px + uy * py
            v = vx * px + vy * py
            for x in range(left, right + 1):
                if u >= 0 and v >= 0 and u + v <= 1:
                    if alone[y, x] != thing[t]:
                        alone[y, x] = thing[t]
                        covered[thing[t]] += 1
                    z = iz[0] + u * (iz[1] - iz[0]) + v * (iz[2] - iz[0])
                    if z > depth[y, x] and (fourths >= 4 or ((x & 1) + 2 * ((x ^ y) & 1)) < max(fourths, 1)):
                        depth[y, x] = z
                        seen[y, x] = t
                u += ux
                v += vx


@compiled
def heights_from(corners: Any, opacity: Any, axes: Any, low: Any, step: float, nearest: Any) -> None:
    """Draws triangles in parallel projection: for each cell the largest coordinate along axis 2.

    Serves the light (a shadow map) and placing (height maps).

    Args:
        corners: [n, 3, 3], world.
        opacity: [n]; triangles under 0.6 cast no shadow.
        axes: [3, 3], rows: along the columns, along the lines, towards the viewer.
        low: [2], coordinates of the map's first corner.
        step: metres a cell.
        nearest: [h, w], in and out: -1e9 where nothing is.
    """
    height, width = nearest.shape
    p = np.empty((3, 3))
    for t in range(len(corners)):
        if opacity[t] < 0.6:
            continue
        for c in range(3):
            x, y, z = corners[t, c, 0], corners[t, c, 1], corners[t, c, 2]
            p[c, 0] = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z - low[0]) / step
            p[c, 1] = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z - low[1]) / step
            p[c, 2] = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
        area = (p[1, 0] - p[0, 0]) * (p[2, 1] - p[0, 1]) - (p[2, 0] - p[0, 0]) * (p[1, 1] - p[0, 1])
        if abs(area) < 1e-9:
            continue
        left = max(0, int(np.ceil(min(p[0, 0], p[1, 0], p[2, 0]) - 0.5)))
        right = min(width - 1, int(np.floor(max(p[0, 0], p[1, 0], p[2, 0]) - 0.5)))
        top = max(0, int(np.ceil(min(p[0, 1], p[1, 1], p[2, 1]) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(p[0, 1], p[1, 1], p[2, 1]) - 0.5)))
        if left > right or top > bottom:
            continue
        over = 1.0 / area
        ux = (p[2, 1] - p[0, 1]) * over
        uy = -(p[2, 0] - p[0, 0]) * over
        vx = -(p[1, 1] - p[0, 1]) * over
        vy = (p[1, 0] - p[0, 0]) * over
        for y in range(top, bottom + 1):
            py = y + 0.5 - p[0, 1]
            px = left + 0.5 - p[0, 0]
            u = ux * px + uy * py
            v = vx * px + vy * py
            for x in range(left, right + 1):
                if u >= -1e-9 and v >= -1e-9 and u + v <= 1 + 1e-9:
                    z = p[0, 2] + u * (p[1, 2] - p[0, 2]) + v * (p[2, 2] - p[0, 2])
                    nearest[y, x] = max(nearest[y, x], z)
                u += ux
                v += vx
