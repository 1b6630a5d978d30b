"""Which triangle is seen at each pixel: a z-buffer, compiled, for the camera and for the light."""

from __future__ import annotations

from typing import Any

import numpy as np

from llava_vsd.rooms.compiled import compiled

NEAR = 0.05
"""Metres from the eye from which on things are seen."""


@compiled
def clipped(corners: Any, out: Any) -> int:
    """What of a triangle is at `NEAR` or further, after Sutherland and Hodgman.

    Args:
        corners: [3, 3], in the camera's axes: right, down, forward.
        out: [4, 3], out: the corners of what is left, in order.

    Returns:
        How many corners are left: 0, 3 or 4.
    """
    count = 0
    for c in range(3):
        n = (c + 1) % 3
        here, there = corners[c, 2], corners[n, 2]
        if here >= NEAR:
            for k in range(3):
                out[count, k] = corners[c, k]
            count += 1
        if (here >= NEAR) != (there >= NEAR):
            along = (NEAR - here) / (there - here)
            for k in range(2):
                out[count, k] = corners[c, k] + along * (corners[n, k] - corners[c, k])
            out[count, 2] = NEAR
            count += 1
    return count


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
    """Draws triangles in perspective; nearest wins. What is before `NEAR` is cut away.

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
    turned = np.empty((3, 3))
    polygon = np.empty((4, 3))
    for t in range(len(corners)):
        for c in range(3):
            dx = corners[t, c, 0] - eye[0]
            dy = corners[t, c, 1] - eye[1]
            dz = corners[t, c, 2] - eye[2]
            for k in range(3):
                turned[c, k] = axes[k, 0] * dx + axes[k, 1] * dy + axes[k, 2] * dz
        count = clipped(turned, polygon)
        for c in range(count):
            over = 1.0 / polygon[c, 2]
            polygon[c, 0] = 0.5 * width + focal * polygon[c, 0] * over
            polygon[c, 1] = 0.5 * height + focal * polygon[c, 1] * over
            polygon[c, 2] = over
        fourths = round(opacity[t] * 4)
        for last in range(2, count):
            _fill(polygon, last, t, thing[t], fourths, depth, seen, alone, covered)


@compiled
def _fill(
    polygon: Any,
    last: int,
    triangle: int,
    owner: int,
    fourths: int,
    depth: Any,
    seen: Any,
    alone: Any,
    covered: Any,
) -> None:
    """Draws corners 0, `last` - 1 and `last` of a polygon [k, 3] of columns, rows and 1 / distance; see `visible`."""
    height, width = depth.shape
    x0, y0, z0 = polygon[0, 0], polygon[0, 1], polygon[0, 2]
    x1, y1, z1 = polygon[last - 1, 0], polygon[last - 1, 1], polygon[last - 1, 2]
    x2, y2, z2 = polygon[last, 0], polygon[last, 1], polygon[last, 2]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if abs(area) < 1e-9:
        return
    left = max(0, int(np.ceil(min(x0, x1, x2) - 0.5)))
    right = min(width - 1, int(np.floor(max(x0, x1, x2) - 0.5)))
    top = max(0, int(np.ceil(min(y0, y1, y2) - 0.5)))
    bottom = min(height - 1, int(np.floor(max(y0, y1, y2) - 0.5)))
    if left > right or top > bottom:
        return
    over = 1.0 / area
    # barycentric weights of corners 1 and 2 are linear in x and y
    ux = (y2 - y0) * over
    uy = -(x2 - x0) * over
    vx = -(y1 - y0) * over
    vy = (x1 - x0) * over
    for y in range(top, bottom + 1):
        py = y + 0.5 - y0
        px = left + 0.5 - x0
        u = ux * px + uy * py
        v = vx * px + vy * py
        for x in range(left, right + 1):
            if u >= 0 and v >= 0 and u + v <= 1:
                if alone[y, x] != owner:
                    alone[y, x] = owner
                    covered[owner] += 1
                z = z0 + u * (z1 - z0) + v * (z2 - z0)
                if z > depth[y, x] and (fourths >= 4 or ((x & 1) + 2 * ((x ^ y) & 1)) < max(fourths, 1)):
                    depth[y, x] = z
                    seen[y, x] = triangle
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
