"""What is true in a finished scene, worked out from its triangles and its id buffer alone.

Nothing here knows how a scene was made. Every annotation must pass through here: the relations are found anew by rays,
hulls and projections, boxes and visible shares by counting samples. What this disputes is not published.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from llava_vsd.relations import Relation
from llava_vsd.rooms.compiled import compiled
from llava_vsd.rooms.raster import NEAR, bounds
from llava_vsd.rooms.render import SAMPLES, Sight
from llava_vsd.rooms.scene import SIDE, Placed, Scene
from llava_vsd.rooms.shown import LEAST_SHARE, LEAST_SHARES, THROUGH_SLOTS, View

TELLING: tuple[tuple[Relation, ...], ...] = (
    ("in",),
    ("on",),
    ("under", "above"),
    ("next to",),
    ("in front of", "behind"),
    ("to the left of", "to the right of"),
)
"""Of several relations that hold, the one asked for must be of the first of these groups."""

TOUCHING = 0.012
"""Metres of air that a contact may have: a cell of a height map is not a point."""

CLOSE = 0.055
"""Metres between two footprints that are next to each other."""


@compiled
def first_hits(origins: Any, directions: Any, corners: Any) -> Any:
    """Distances from each origin [k, 3] along its direction [k, 3] to the first triangle; inf where none is met."""
    out = np.full(len(origins), np.inf)
    for k in range(len(origins)):
        ox, oy, oz = origins[k]
        dx, dy, dz = directions[k]
        for t in range(len(corners)):
            ax, ay, az = (
                corners[t, 1, 0] - corners[t, 0, 0],
                corners[t, 1, 1] - corners[t, 0, 1],
                corners[t, 1, 2] - corners[t, 0, 2],
            )
            bx, by, bz = (
                corners[t, 2, 0] - corners[t, 0, 0],
                corners[t, 2, 1] - corners[t, 0, 1],
                corners[t, 2, 2] - corners[t, 0, 2],
            )
            px, py, pz = dy * bz - dz * by, dz * bx - dx * bz, dx * by - dy * bx
            determinant = ax * px + ay * py + az * pz
            if abs(determinant) < 1e-12:
                continue
            over = 1.0 / determinant
            sx, sy, sz = ox - corners[t, 0, 0], oy - corners[t, 0, 1], oz - corners[t, 0, 2]
            u = (sx * px + sy * py + sz * pz) * over
            if u < -1e-6 or u > 1 + 1e-6:
                continue
            qx, qy, qz = sy * az - sz * ay, sz * ax - sx * az, sx * ay - sy * ax
            v = (dx * qx + dy * qy + dz * qz) * over
            if v < -1e-6 or u + v > 1 + 1e-6:
                continue
            far = (bx * qx + by * qy + bz * qz) * over
            if 1e-7 < far < out[k]:
                out[k] = far
    return out


@compiled
def extents(ids: Any, things: int) -> Any:
    """Of each thing in an id buffer: samples, first and last row, first and last column; [things, 5]."""
    out = np.zeros((things, 5), np.int64)
    out[:, 1] = out[:, 3] = 1 << 30
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            k = ids[y, x]
            if k >= 0:
                out[k, 0] += 1
                out[k, 1] = min(out[k, 1], y)
                out[k, 2] = max(out[k, 2], y)
                out[k, 3] = min(out[k, 3], x)
                out[k, 4] = max(out[k, 4], x)
    return out


def _cast(origins: Any, direction: Any, corners: Any) -> Any:
    directions = np.broadcast_to(np.asarray(direction, np.float64), np.shape(origins))
    return first_hits(np.asarray(origins, np.float64), np.ascontiguousarray(directions), corners)


class Body:
    """A thing's geometry, as questions need it.

    Args:
        placed: the thing.
    """

    def __init__(self, placed: Placed) -> None:
        self.name = placed.name
        self.corners = placed.mesh.corners
        self.points = placed.mesh.corners.reshape(-1, 3).astype(np.float64)
        self.low, self.high = bounds(self.corners).astype(np.float64)
        self.middle = (self.low + self.high) / 2
        self.tall = float(self.high[2] - self.low[2])

    @cached_property
    def base(self) -> Any:
        """Points of its underside that stand lowest, at most 40, [k, 3]."""
        lowest = self.points[self.points[:, 2] < self.low[2] + 0.004 + 0.02 * self.tall]
        picked = lowest[:: max(1, len(lowest) // 40)]
        return picked + 0.15 * (np.array([*self.middle[:2], 0]) - picked) * [1, 1, 0]  # off the very edge

    @cached_property
    def hull(self) -> Any:
        """Corners of the convex hull of its footprint, in order, [k, 2]."""
        flat = self.points[:, :2]
        try:
            return flat[ConvexHull(flat).vertices]
        except QhullError:  # no area: a line
            return np.array([self.low[:2], self.high[:2]])

    def holds(self, point: Any) -> bool:
        """Whether its footprint's hull has the point [2] inside."""
        here, there = self.hull, np.roll(self.hull, -1, axis=0)
        side = (there - here)[:, 0] * (point - here)[:, 1] - (there - here)[:, 1] * (point - here)[:, 0]
        return bool(np.all(side >= -1e-9))


def _gaps_below(body: Body, other: Body) -> Any:
    """Metres of air between each point of a body's base and what of the other is below it; inf for none."""
    return _cast(body.base + np.array([0, 0, TOUCHING]), [0, 0, -1], other.corners) - TOUCHING


def gap_between(first: Any, second: Any) -> float:
    """Metres between two convex outlines [k, 2], [n, 2]: from every corner to every edge; 0 where they overlap."""
    least = np.inf
    for points, outline in ((first, second), (second, first)):
        start, end = outline, np.roll(outline, -1, axis=0)
        edge = end - start
        inside = np.ones(len(points), bool)
        lengths = np.maximum((edge**2).sum(axis=1), 1e-18)
        offset = points[:, None] - start[None]
        along = np.clip((offset * edge).sum(axis=2) / lengths, 0, 1)
        least = min(least, float(np.linalg.norm(offset - along[..., None] * edge, axis=2).min()))
        if len(outline) > 2:
            inside = np.all(
                edge[None, :, 0] * offset[..., 1] - edge[None, :, 1] * offset[..., 0] >= 0, axis=1
            )
            if inside.any():
                return 0.0
    return least


class Truth:
    """Answers about one scene.

    Args:
        scene: finished.
        sight: of that scene.
    """

    def __init__(self, scene: Scene, sight: Sight) -> None:
        self.scene = scene
        self.bodies = [Body(thing) for thing in scene.things]
        self._extents = extents(sight.ids, len(scene.things))
        self.views = [self._view(place, sight) for place in range(len(scene.things))]
        self._known: dict[tuple[int, int], frozenset[Relation]] = {}

    def _view(self, place: int, sight: Sight) -> View:
        count, top, bottom, left, right = (int(part) for part in self._extents[place])
        if not count:
            return View(None, 0.0, 0.0)
        box = (top // SAMPLES, bottom // SAMPLES + 1, left // SAMPLES, right // SAMPLES + 1)
        share = count / max(int(sight.covered[place]), 1)
        seen = np.ascontiguousarray(self.scene.camera.project(self.bodies[place].points).T)
        if seen[2].min() <= NEAR:
            return View(box, share, 0.0)
        low, high = seen[:2].min(axis=1), seen[:2].max(axis=1)
        inside = np.clip(np.minimum(high, SIDE) - np.maximum(low, 0), 0, None)
        framed = float(inside.prod() / max(float((high - low).prod()), 1e-9))
        return View(box, share, framed)

    def relations(self, first: int, second: int) -> frozenset[Relation]:
        """All relations in which the first stands to the second; places in `scene.things`."""
        if (first, second) not in self._known:
            self._known[first, second] = self._relations(first, second)
        return self._known[first, second]

    def _relations(self, first: int, second: int) -> frozenset[Relation]:
        a, b = self.bodies[first], self.bodies[second]
        if self._within(a, b):
            return frozenset({"in"})
        if self._within(b, a):
            return frozenset()
        if self._rests_on(a, b):
            return frozenset({"on"})
        if self._rests_on(b, a):
            return frozenset()
        if self._roofed(a, b) or self._over(second, first):
            return frozenset({"under"})
        if self._roofed(b, a) or self._over(first, second):
            return frozenset({"above"})
        return frozenset(self._beside(first, second))

    def _rests_on(self, a: Body, b: Body) -> bool:
        if a.low[2] < b.low[2] + 0.01 or not b.holds(a.middle[:2]):
            return False
        return float((np.abs(_gaps_below(a, b)) < TOUCHING).mean()) >= 0.34 and bool(
            a.low[2] - b.low[2] > 0.14 * b.tall
        )

    def _within(self, a: Body, b: Body) -> bool:
        """Walls all round its lower half, a bottom below, its foot deep inside."""
        if a.low[2] > b.low[2] + 0.58 * b.tall or a.low[2] < b.low[2] or not b.holds(a.middle[:2]):
            return False
        slack = 0.1 * (a.high - a.low)[:2]
        if np.any(a.low[:2] < b.low[:2] - slack) or np.any(a.high[:2] > b.high[:2] + slack):
            return False
        if not np.isfinite(_cast([[*a.middle[:2], a.low[2] + 0.3 * a.tall]], [0, 0, -1], b.corners)).all():
            return False
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        around = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
        enclosed = np.zeros(len(angle), bool)
        rim = b.low[2] + 0.9 * b.tall
        for height in (0.15, 0.3, 0.45):
            z = min(a.low[2] + height * a.tall, rim)
            origins = np.broadcast_to([*a.middle[:2], z], around.shape)
            enclosed |= np.isfinite(first_hits(np.ascontiguousarray(origins), around, b.corners))
        return float(enclosed.mean()) >= 0.8

    def _roofed(self, a: Body, b: Body) -> bool:
        """Part of b is over most of a, with air between, and b stands beside it."""
        if b.high[2] < a.high[2] or np.any(a.middle[:2] < b.low[:2]) or np.any(a.middle[:2] > b.high[:2]):
            return False
        if abs(a.low[2] - b.low[2]) > 0.06:
            return False
        picked = a.points[:: max(1, len(a.points) // 60)]
        up = _cast(picked, [0, 0, 1], b.corners)
        roof = picked[:, 2] + up
        return float(np.isfinite(up).mean()) >= 0.7 and float(np.min(roof)) > a.high[2] + 0.005

    def _over(self, first: int, second: int) -> bool:
        """All of the first is higher than the second, over it, and apart from it in the picture."""
        a, b = self.bodies[first], self.bodies[second]
        upper, lower = self.views[first].box, self.views[second].box
        if upper is None or lower is None or a.low[2] < b.high[2] + 0.04:
            return False
        shared = np.minimum(a.high[:2], b.high[:2]) - np.maximum(a.low[:2], b.low[:2])
        smaller = np.minimum(a.high[:2] - a.low[:2], b.high[:2] - b.low[:2])
        if np.any(shared < 0.3 * smaller):
            return False
        across = min(upper[3], lower[3]) - max(upper[2], lower[2])
        return upper[1] <= lower[0] + 2 and across >= 0.5 * min(upper[3] - upper[2], lower[3] - lower[2])

    def _beside(self, first: int, second: int) -> set[Relation]:
        a, b = self.bodies[first], self.bodies[second]
        one, other = self.views[first].box, self.views[second].box
        if one is None or other is None:
            return set()
        level = min(a.high[2], b.high[2]) - max(a.low[2], b.low[2])
        if level < 0.3 * min(a.tall, b.tall) or abs(a.low[2] - b.low[2]) > 0.5 * max(a.tall, b.tall):
            return set()
        forward = self.scene.camera.axes[2, :2].astype(np.float64)
        forward /= np.linalg.norm(forward)
        right = np.array([forward[1], -forward[0]])
        aside = float((a.middle - b.middle)[:2] @ right)
        away = float((a.middle - b.middle)[:2] @ forward)
        shared = min(one[3], other[3]) - max(one[2], other[2])
        narrow = min(one[3] - one[2], other[3] - other[2])
        found: set[Relation] = set()
        if shared <= 4 and abs(aside) > 0.9 * abs(away):
            found.add("to the left of" if aside < 0 else "to the right of")
        if shared < 0.4 * narrow and abs(aside) > 0.7 * abs(away) and gap_between(a.hull, b.hull) <= CLOSE:
            found.add("next to")
        if shared >= 0.4 * narrow and abs(away) > 0.8 * abs(aside):
            mine, theirs = (
                np.percentile(a.points[:, :2] @ forward, [4, 96]),
                np.percentile(b.points[:, :2] @ forward, [4, 96]),
            )
            common = min(mine[1], theirs[1]) - max(mine[0], theirs[0])
            if common <= 0.2 * min(mine[1] - mine[0], theirs[1] - theirs[0]):
                found.add("in front of" if away < 0 else "behind")
        return found

    def dispute(self, subject: int, thing: int, relation: Relation) -> str:
        """Why a picture that asks for this relation must not be published; "" where all is well."""
        least = LEAST_SHARES.get(relation, (LEAST_SHARE, LEAST_SHARE))
        for place, share in zip((subject, thing), least, strict=True):
            view = self.views[place]
            if not view.asked(share):
                return "hidden or too small"
            if view.framed < (0.9 if place == subject else 0.6):
                return "cut off by the frame"
        names = [self.scene.things[place].name for place in (subject, thing)]
        if any(
            other.name in names and place not in (subject, thing) and self.views[place].box is not None
            for place, other in enumerate(self.scene.things)
        ):
            return "a second thing of that name"
        held = self.relations(subject, thing)
        if relation not in held:
            return f"{relation} does not hold"
        first = next(group for group in TELLING if held & set(group))
        if relation not in first:
            return "another relation is more telling"
        if relation == "behind" and self._inside(subject, thing) > 0.85:
            return "seen through the other"  # between a table's legs: many would say under
        if relation in THROUGH_SLOTS and self.scene.things[thing].slotted:
            return "seen through slots"
        if self.floats(subject) or self.floats(thing):
            return "floats"
        return ""

    def _inside(self, first: int, second: int) -> float:
        """The share of the first's box that lies in the second's."""
        one, other = self.views[first].box, self.views[second].box
        if one is None or other is None:
            return 0.0
        tall = min(one[1], other[1]) - max(one[0], other[0])
        wide = min(one[3], other[3]) - max(one[2], other[2])
        return max(tall, 0) * max(wide, 0) / max((one[1] - one[0]) * (one[3] - one[2]), 1)

    def floats(self, place: int) -> bool:
        """Whether nothing is below or behind a thing that it could stand on or hang from."""
        body = self.bodies[place]
        if body.low[2] < 0.01:
            return False
        planes = self.scene.shell.planes
        for plane in planes[1:]:  # ceiling and walls
            if float((body.points @ plane[:3] - plane[3]).min()) < TOUCHING:
                return False
        gaps = [
            np.abs(_gaps_below(body, other)).min()
            for index, other in enumerate(self.bodies)
            if index != place
            and np.all(other.low[:2] < body.high[:2])
            and np.all(other.high[:2] > body.low[:2])
        ]
        return not gaps or min(gaps) > TOUCHING

    def all_triples(self) -> list[tuple[int, Relation, int]]:
        """Every relation that holds between two things that are clear to see and have a name."""
        named = [p for p, view in enumerate(self.views) if view.clear and self.scene.things[p].name]
        found = []
        for first in named:
            for second in named:
                if first != second:
                    found += [(first, relation, second) for relation in sorted(self.relations(first, second))]
        return found
