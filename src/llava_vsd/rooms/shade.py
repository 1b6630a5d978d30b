"""The colour of each pixel: albedo, soft shadow, and how open it is; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from llava_vsd.rooms.compiled import compiled
from llava_vsd.rooms.occlusion import background, noise


def _spiral(count: int, first: float) -> Any:
    """Places in the unit disc, evenly spread, [count, 2]."""
    turns = first + 2.399963 * np.arange(count)
    return np.sqrt((np.arange(count) + 0.5) / count)[:, None] * np.stack(
        [np.cos(turns), np.sin(turns)], axis=1
    )


SPIRAL = _spiral(7, 0.0)
"""Where a broad light is probed, in radii of its blur."""

FINE = _spiral(12, 1.1)
"""Likewise, where the first answers differ."""


@compiled
def _lit(p: Any, light: Any, low: Any, step: float, shadow: Any, soft: float, x: int, y: int) -> float:
    """The share of a broad light that reaches a point (percentage-closer soft shadows)."""
    rows, columns = shadow.shape
    u = (light[0, 0] * p[0] + light[0, 1] * p[1] + light[0, 2] * p[2] - low[0]) / step
    v = (light[1, 0] * p[0] + light[1, 1] * p[1] + light[1, 2] * p[2] - low[1]) / step
    w = light[2, 0] * p[0] + light[2, 1] * p[1] + light[2, 2] * p[2]
    bias = 0.012
    above, count = 0.0, 0
    turn = 6.2831853 * noise(x, y, 3)
    c, s = np.cos(turn), np.sin(turn)
    radius = 0.5 * soft / step
    for i in range(5):
        dx, dy = SPIRAL[i, 0], SPIRAL[i, 1]
        a, b = int(u + radius * (c * dx - s * dy)), int(v + radius * (s * dx + c * dy))
        if 0 <= a < columns and 0 <= b < rows and shadow[b, a] > w + bias:
            above += shadow[b, a] - w
            count += 1
    if count == 0:
        return 1.0
    spread = min(0.6 * soft, 0.012 + soft * 0.55 * above / count)
    blocked = 0
    radius = spread / step
    for i in range(7):
        dx, dy = SPIRAL[i, 0], SPIRAL[i, 1]
        a, b = int(u + radius * (c * dx - s * dy)), int(v + radius * (s * dx + c * dy))
        if 0 <= a < columns and 0 <= b < rows and shadow[b, a] > w + bias + 0.25 * spread:
            blocked += 1
    if blocked == 0 or blocked == 7:
        return 1.0 - blocked / 7.0
    for i in range(12):  # half shadow: look closer, where noise would show
        dx, dy = FINE[i, 0], FINE[i, 1]
        a, b = int(u + radius * (c * dx - s * dy)), int(v + radius * (s * dx + c * dy))
        if 0 <= a < columns and 0 <= b < rows and shadow[b, a] > w + bias + 0.25 * spread:
            blocked += 1
    return 1.0 - blocked / 19.0


@compiled
def shade(
    corners: Any,
    normals: Any,
    uvs: Any,
    material: Any,
    colours: Any,
    textured: Any,
    places: Any,
    texels: Any,
    seen: Any,
    depth: Any,
    axes: Any,
    eye: Any,
    focal: float,
    planes: Any,
    frames: Any,
    surfaces: Any,
    rug: Any,
    open_: Any,
    light: Any,
    low: Any,
    step: float,
    shadow: Any,
    lamp: Any,
    out: Any,
) -> None:
    """Writes the picture: [h, w, 3], sRGB 0..255, four samples a pixel.

    Args:
        corners, normals, uvs, material: of the triangles; `material` is a row of `colours`.
        colours: [m, 5], linear colour, opacity, gloss.
        textured: [m], row of `places` or -1.
        places: [t, 3], first texel, width, height of each texture; `texels` [n, 3] linear.
        seen, depth, axes, eye, focal: as `raster.visible`.
        planes: [k, 4]; frames: [k, 8], of each plane the axes of its texture (3 + 3), repeats a metre, and the row
            of `surfaces`.
        surfaces: [s, p, 3], linear: square textures with all their halved sizes, one after the other.
        rug: [8]: centre x, y, half length, half width, turn, round (0 or 1), row of `surfaces`, repeats a metre.
        open_: [h, w], from `occlusion`.
        light, low, step, shadow: the shadow map, as `raster.heights_from` draws it.
        lamp: [14]: key colour, sky colour, floor's bounce colour, fill strength, softness (metres), exposure,
            skirting height, white of skirting.
        out: written.
    """
    height, width = out.shape[:2]
    rows, columns = depth.shape
    side = 1
    while side * side * 4 // 3 < surfaces.shape[1]:
        side *= 2
    ray = np.empty(3)
    p = np.empty(3)
    n = np.empty(3)
    albedo = np.empty(3)
    total = np.empty(3)
    for y in range(height):
        for x in range(width):
            total[:] = 0.0
            taken = 0
            first_seen = seen[2 * y, 2 * x]
            same = (
                first_seen == seen[2 * y, 2 * x + 1]
                and first_seen == seen[2 * y + 1, 2 * x]
                and first_seen == seen[2 * y + 1, 2 * x + 1]
            )
            for sample in range(4):
                if same and (sample == 1 or sample == 2):  # no edge here: two of the four will do
                    continue
                sx, sy = 2 * x + (sample & 1), 2 * y + (sample >> 1)
                dx = (sx + 0.5 - 0.5 * columns) / focal
                dy = (sy + 0.5 - 0.5 * rows) / focal
                for k in range(3):
                    ray[k] = axes[2, k] + dx * axes[0, k] + dy * axes[1, k]
                t = seen[sy, sx]
                gloss = 0.0
                if t >= 0:
                    z = 1.0 / depth[sy, sx]
                    e = corners[t]
                    for k in range(3):
                        p[k] = eye[k] + z * ray[k]
                    # barycentric weights by areas
                    ax, ay, az = e[1, 0] - e[0, 0], e[1, 1] - e[0, 1], e[1, 2] - e[0, 2]
                    bx, by, bz = e[2, 0] - e[0, 0], e[2, 1] - e[0, 1], e[2, 2] - e[0, 2]
                    cx, cy, cz = p[0] - e[0, 0], p[1] - e[0, 1], p[2] - e[0, 2]
                    aa = ax * ax + ay * ay + az * az
                    ab = ax * bx + ay * by + az * bz
                    bb = bx * bx + by * by + bz * bz
                    ca = cx * ax + cy * ay + cz * az
                    cb = cx * bx + cy * by + cz * bz
                    determinant = aa * bb - ab * ab
                    u, v = 0.33, 0.33
                    if determinant > 1e-20:
                        u = min(max((bb * ca - ab * cb) / determinant, 0.0), 1.0)
                        v = min(max((aa * cb - ab * ca) / determinant, 0.0), 1.0 - u)
                    for k in range(3):
                        n[k] = (1 - u - v) * normals[t, 0, k] + u * normals[t, 1, k] + v * normals[t, 2, k]
                    gx, gy, gz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
                    away = gx * ray[0] + gy * ray[1] + gz * ray[2] > 0
                    if away:
                        gx, gy, gz = -gx, -gy, -gz
                    if n[0] * gx + n[1] * gy + n[2] * gz < 0:
                        for k in range(3):
                            n[k] = -n[k]
                    length = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-12
                    for k in range(3):
                        n[k] /= length
                    m = material[t]
                    for k in range(3):
                        albedo[k] = colours[m, k]
                    gloss = colours[m, 4]
                    if textured[m] >= 0:
                        place = places[textured[m]]
                        tu = (1 - u - v) * uvs[t, 0, 0] + u * uvs[t, 1, 0] + v * uvs[t, 2, 0]
                        tv = (1 - u - v) * uvs[t, 0, 1] + u * uvs[t, 1, 1] + v * uvs[t, 2, 1]
                        fx = (tu - np.floor(tu)) * place[1] - 0.5
                        fy = (1 - (tv - np.floor(tv))) * place[2] - 0.5
                        ix, iy = int(np.floor(fx)), int(np.floor(fy))
                        wx, wy = fx - ix, fy - iy
                        x0, x1 = ix % place[1], (ix + 1) % place[1]
                        y0, y1 = iy % place[2], (iy + 1) % place[2]
                        for k in range(3):
                            top = (1 - wx) * texels[place[0] + y0 * place[1] + x0, k]
                            top += wx * texels[place[0] + y0 * place[1] + x1, k]
                            bottom = (1 - wx) * texels[place[0] + y1 * place[1] + x0, k]
                            bottom += wx * texels[place[0] + y1 * place[1] + x1, k]
                            albedo[k] *= (1 - wy) * top + wy * bottom
                else:
                    plane, z = background(eye, ray, planes)
                    for k in range(3):
                        p[k] = eye[k] + z * ray[k]
                        n[k] = planes[plane, k]
                    frame = frames[plane]
                    row, repeats = int(frame[7]), frame[6]
                    tu = frame[0] * p[0] + frame[1] * p[1] + frame[2] * p[2]
                    tv = frame[3] * p[0] + frame[4] * p[1] + frame[5] * p[2]
                    if plane == 0:
                        c, s = np.cos(rug[4]), np.sin(rug[4])
                        ru = c * (p[0] - rug[0]) + s * (p[1] - rug[1])
                        rv = -s * (p[0] - rug[0]) + c * (p[1] - rug[1])
                        if rug[2] > 0:
                            nu, nv = ru / rug[2], rv / rug[3]
                            if (rug[5] > 0.5 and nu * nu + nv * nv < 1) or (
                                rug[5] < 0.5 and abs(nu) < 1 and abs(nv) < 1
                            ):
                                row, repeats, tu, tv = int(rug[6]), rug[7], ru, rv
                    slant = abs(n[0] * ray[0] + n[1] * ray[1] + n[2] * ray[2])
                    foot = repeats * side * z / focal / max(np.sqrt(slant), 0.12)
                    level = 0
                    while level < 7 and foot > 1.4:
                        foot *= 0.5
                        level += 1
                    first, here = 0, side
                    for _ in range(level):
                        first += here * here
                        here //= 2
                    fx = (tu * repeats - np.floor(tu * repeats)) * here - 0.5
                    fy = (tv * repeats - np.floor(tv * repeats)) * here - 0.5
                    ix, iy = int(np.floor(fx)), int(np.floor(fy))
                    wx, wy = fx - ix, fy - iy
                    x0, x1 = ix & (here - 1), (ix + 1) & (here - 1)
                    y0, y1 = iy & (here - 1), (iy + 1) & (here - 1)
                    for k in range(3):
                        top = (1 - wx) * surfaces[row, first + y0 * here + x0, k]
                        top += wx * surfaces[row, first + y0 * here + x1, k]
                        bottom = (1 - wx) * surfaces[row, first + y1 * here + x0, k]
                        bottom += wx * surfaces[row, first + y1 * here + x1, k]
                        albedo[k] = (1 - wy) * top + wy * bottom
                    if plane >= 2 and p[2] < lamp[12]:
                        edge = 0.75 if lamp[12] - p[2] < 0.008 else 1.0
                        for k in range(3):
                            albedo[k] = lamp[13] * edge
                facing = light[2, 0] * n[0] + light[2, 1] * n[1] + light[2, 2] * n[2]
                key = 0.0
                if facing > 0:
                    for k in range(3):
                        p[k] += 0.006 * n[k]
                    key = facing * _lit(p, light, low, step, shadow, lamp[10], sx, sy)
                shine = 0.0
                toward = -(n[0] * ray[0] + n[1] * ray[1] + n[2] * ray[2])
                size = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
                if gloss > 0 and key > 0:
                    hx = light[2, 0] - ray[0] / size
                    hy = light[2, 1] - ray[1] / size
                    hz = light[2, 2] - ray[2] / size
                    half = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
                    match = max(0.0, (n[0] * hx + n[1] * hy + n[2] * hz) / half)
                    shine = gloss * match**40 * (key / facing)
                fill = lamp[9] * max(0.0, toward / size)
                sky = 0.5 + 0.5 * n[2]
                bare = open_[y, x]
                bare = bare * (0.35 + 0.65 * bare)
                for k in range(3):
                    ambient = (lamp[6 + k] * (1 - sky) + lamp[3 + k] * sky + fill) * bare
                    total[k] += albedo[k] * (ambient + lamp[k] * key) + lamp[k] * shine
                taken += 1
            for k in range(3):
                colour = total[k] / taken * lamp[11]
                colour = colour * (1 + colour / 9.0) / (1 + colour * 0.75)
                out[y, x, k] = int(255.0 * min(max(colour, 0.0), 1.0) ** 0.4545 + 0.5)
