"""Stands the two things of a wish as they are to stand, by the laws that hold for real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llava_vsd.relations import Relation
from llava_vsd.rooms.built import shelf
from llava_vsd.rooms.mesh import Mesh
from llava_vsd.rooms.paint import painted
from llava_vsd.rooms.pairs import Wish
from llava_vsd.rooms.resting import rest, room_below, separation, step_for, tops, undersides
from llava_vsd.rooms.scene import Placed
from llava_vsd.rooms.shell import wall_normal
from llava_vsd.rooms.things import Catalogue, Thing

TRIES = 24
"""Places that are tried before a wish is given up."""

TURNED: dict[Relation, float] = {"under": 0.5, "above": 0.0}
"""How far (radians) the object may be turned away from the camera; else `FREELY`."""

FREELY = 0.75

SHELF_COLOURS = (
    (0.85, 0.85, 0.83),
    (0.55, 0.38, 0.22),
    (0.25, 0.16, 0.10),
    (0.75, 0.60, 0.42),
    (0.15, 0.15, 0.16),
)


@dataclass
class Arrangement:
    """Things at their places, before a camera looks. The camera will look along +y.

    Attributes:
        things: the subject, the object, then what holds them.
        turn: of the room, radians.
        back: distance of the back wall where it must be (something hangs on it), else None.
        height: of the ceiling where it must be, else None.
        stage: what the two stand on, in the world; None for the floor.
    """

    things: list[Placed]
    turn: float
    back: float | None = None
    height: float | None = None
    stage: Placed | None = None


class Nowhere(Exception):
    """No place was found that the laws allow."""


class Arranger:
    """Arranges wishes.

    Args:
        catalogue: of the meshes.
        stages: things with a flat top that small things may stand on.
    """

    def __init__(self, catalogue: Catalogue, stages: list[Thing]) -> None:
        self._catalogue = catalogue
        self._stages = stages

    def dressed(self, random: np.random.Generator, thing: Thing) -> Mesh:
        """The thing's mesh, in a size and perhaps a colour of its own."""
        mesh = self._catalogue.mesh(thing.key)
        if "p" in thing.roles and random.random() < 0.5:
            mesh = painted(mesh, random)
        return mesh.moved((0, 0, 0), 0.0, random.uniform(0.92, 1.08))

    def arrange(self, random: np.random.Generator, wish: Wish) -> Arrangement:
        """One arrangement of the wish.

        Raises:
            Nowhere: no place was found; another draw may find one.
        """
        subject, thing = self.dressed(random, wish.subject), self.dressed(random, wish.thing)
        turn = float(random.uniform(-0.45, 0.45))
        stage = self._stage(random, wish)
        if wish.relation == "above":
            return self._above(random, wish, subject, thing, turn, stage)
        if wish.relation == "under" and wish.thing.hangs:
            return self._above(
                random,
                Wish(wish.thing, wish.subject, "above", wish.family),
                thing,
                subject,
                turn,
                None,
                swapped=True,
            )
        limit = TURNED.get(wish.relation, FREELY)
        thing = thing.moved((0, 0, 0), turn * 0.5 + random.uniform(-limit, limit))
        subject = subject.moved((0, 0, 0), self._facing(random, wish.subject, turn))
        if wish.relation in ("on", "in", "under"):
            place = _PLACES[wish.relation](random, subject, thing)
            subject = subject.moved(place)
        else:
            subject = subject.moved(_beside(random, wish.relation, subject, thing))
        things = [self.named(wish.subject, subject), self.named(wish.thing, thing)]
        if stage is None:
            return Arrangement(things, turn)
        return self._staged(random, things, wish.relation, turn, stage)

    def _facing(self, random: np.random.Generator, thing: Thing, turn: float) -> float:
        return turn * 0.5 + float(random.uniform(-FREELY, FREELY))

    @staticmethod
    def named(thing: Thing, mesh: Mesh) -> Placed:
        """The thing with its name."""
        return Placed(thing.name, thing.key, mesh, "x" not in thing.roles, "s" in thing.roles)

    def _stage(self, random: np.random.Generator, wish: Wish) -> Thing | None:
        """What the two stand on together: furniture for small things, else the floor."""
        both = (wish.subject, wish.thing)
        if (
            wish.thing.hangs
            or wish.subject.hangs
            or wish.thing.is_large
            or wish.thing.stays_down
            or wish.subject.stays_down
            or (wish.subject.is_large and wish.relation != "above")
        ):
            return None
        lowest = (
            wish.thing
            if wish.relation in ("on", "in", "above", "under")
            else min(both, key=lambda one: one.largest)
        )
        if wish.relation == "under" or (not lowest.is_small and random.random() < 0.6):
            return None
        wide = sum(max(one.size[:2]) for one in both)
        names = {one.name for one in both}
        fit = [one for one in self._stages if one.name not in names and min(one.size[:2]) > 0.8 * wide]
        if not fit:
            raise Nowhere
        return fit[random.integers(len(fit))]

    def _staged(
        self, random: np.random.Generator, things: list[Placed], relation: Relation, turn: float, stage: Thing
    ) -> Arrangement:
        """Lifts what stands on the floor onto a stage, at a place where all of it rests."""
        base = self.dressed(random, stage).moved((0, 0, 0), turn * 0.5 + random.uniform(-0.3, 0.3))
        carried = things[1:] if relation in ("on", "in") else things
        steps = [step_for(thing.mesh) for thing in carried]
        top = [tops(base, step) for step in steps]
        below = [undersides(thing.mesh, step) for thing, step in zip(carried, steps, strict=True)]
        for _ in range(TRIES):
            x, y = random.uniform(0.85 * base.low[:2], 0.85 * base.high[:2])
            rests = [rest(under, over, x, y) for under, over in zip(below, top, strict=True)]
            level = float(base.high[2])
            if all(one.stable and one.over > 0.97 and abs(one.z - level) < 0.012 for one in rests):
                break
        else:
            raise Nowhere
        lifted = [replace(t, mesh=t.mesh.moved((rests[0].x, rests[0].y, rests[0].z))) for t in things]
        held = self.named(stage, base)
        return Arrangement([*lifted, held], turn, stage=held)

    def _above(
        self,
        random: np.random.Generator,
        wish: Wish,
        subject: Mesh,
        thing: Mesh,
        turn: float,
        stage: Thing | None,
        *,
        swapped: bool = False,
    ) -> Arrangement:
        """Over a thing that stands at the back wall: on a shelf, on the wall, or from the ceiling."""
        normal = wall_normal(turn)
        across = np.array([np.cos(turn), np.sin(turn)])
        things: list[Placed] = []
        held = None
        if stage is not None:
            base = self.dressed(random, stage).moved((0, 0, 0), turn)
            arranged = self._staged_alone(random, thing.moved((0, 0, 0), turn), base, normal)
            if arranged is None:
                raise Nowhere
            thing = arranged
            held = self.named(stage, base)
        else:
            thing = thing.moved((0, 0, 0), turn)
        standing = [thing] if held is None else [thing, held.mesh]
        back = max(float((-(mesh.corners.reshape(-1, 3)[:, :2] @ normal)).max()) for mesh in standing)
        back += float(random.uniform(0.01, 0.06))
        middle = (thing.low + thing.high) / 2
        along = float(across @ middle[:2] + random.uniform(-0.25, 0.25) * thing.size[0])
        top = float(thing.high[2])
        height = None
        if "h" in wish.subject.roles:
            bottom = top + float(random.uniform(0.2, 0.55))
            hung = subject.moved(
                [*(middle[:2] + random.uniform(-0.15, 0.15, 2) * thing.size[:2]), bottom],
                random.uniform(0, 6),
            )
            height = float(hung.high[2])
            things = [self.named(wish.subject, hung)]
            if height < 1.5:
                raise Nowhere
        elif "w" in wish.subject.roles:
            depth = float(subject.size[1])
            spot = across * along + normal * (depth / 2 - back)
            hung = subject.moved([*spot, top + random.uniform(0.12, 0.45)], turn)
            things = [self.named(wish.subject, hung)]
        else:
            depth = float(np.clip(subject.size[1] * random.uniform(1.05, 1.5), 0.16, 0.42))
            if subject.size[1] > 1.1 * depth or subject.size[0] > 0.9:
                raise Nowhere
            board = shelf(
                float(max(0.45, subject.size[0] * random.uniform(1.2, 2.5))),
                depth,
                SHELF_COLOURS[random.integers(len(SHELF_COLOURS))],
            )
            spot = across * along + normal * (depth / 2 - back)
            gap = random.uniform(0.10, 0.32) + 0.15 * float(thing.size[2])
            board = board.moved([*spot, top + gap], turn)
            turned = subject.moved((0, 0, 0), turn + random.uniform(-0.35, 0.35))
            step = step_for(turned)
            rested = rest(undersides(turned, step), tops(board, step), *spot)
            if not rested.stable:
                raise Nowhere
            placed = turned.moved((rested.x, rested.y, rested.z))
            things = [self.named(wish.subject, placed)]
            extra = Placed("shelf", "shelf", board)
        named = self.named(wish.thing, thing)
        things.append(named)
        if swapped:
            things.reverse()
        if not wish.subject.hangs:
            things.append(extra)
        if held is not None:
            things.append(held)
        return Arrangement(things, turn, back, height, held)

    def _staged_alone(self, random: np.random.Generator, thing: Mesh, base: Mesh, normal: Any) -> Mesh | None:
        """The thing on the stage, towards its back."""
        step = step_for(thing)
        over, under = tops(base, step), undersides(thing, step)
        reach = (base.size[1] - thing.size[1]) / 2
        for _ in range(TRIES):
            aside = random.uniform(-0.35, 0.35) * base.size[0]
            spot = -normal * reach * random.uniform(0.3, 0.95) + np.array([-normal[1], normal[0]]) * aside
            rested = rest(under, over, *spot)
            if rested.stable and rested.over > 0.97 and abs(rested.z - float(base.high[2])) < 0.012:
                return thing.moved((rested.x, rested.y, rested.z))
        return None


def _on(random: np.random.Generator, subject: Mesh, thing: Mesh) -> Any:
    step = step_for(subject)
    under, over = undersides(subject, step), tops(thing, step)
    for _ in range(TRIES):
        x, y = random.uniform(thing.low[:2], thing.high[:2])
        rested = rest(under, over, x, y)
        if rested.stable and rested.over > 0.8 and rested.z > max(0.15 * thing.size[2], 0.008):
            return rested.x, rested.y, rested.z
    raise Nowhere


def _in(random: np.random.Generator, subject: Mesh, thing: Mesh) -> Any:
    step = step_for(subject)
    under, over = undersides(subject, step), tops(thing, step)
    reach = np.maximum((thing.size[:2] - subject.size[:2]) / 2, 0)
    middle = (thing.low[:2] + thing.high[:2]) / 2
    best = None
    for _ in range(TRIES):  # things roll to the deepest place
        rested = rest(under, over, *(middle + random.uniform(-0.8, 0.8, 2) * reach))
        if rested.over > 0.95 and (best is None or rested.z < best.z - 0.003):
            best = rested
    if best is None or best.z > 0.55 * thing.size[2] or best.z < 0.001:
        raise Nowhere
    return best.x, best.y, best.z


def _under(random: np.random.Generator, subject: Mesh, thing: Mesh) -> Any:
    step = step_for(subject)
    over = undersides(thing, step)
    for _ in range(2 * TRIES):
        x, y = random.uniform(thing.low[:2], thing.high[:2])
        if room_below(subject, over, x, y, float(subject.size[2]) + 0.02):
            return x, y, 0.0
    raise Nowhere


_PLACES: dict[Relation, Callable[[np.random.Generator, Mesh, Mesh], Any]] = {
    "on": _on,
    "in": _in,
    "under": _under,
}


def _beside(random: np.random.Generator, relation: Relation, subject: Mesh, thing: Mesh) -> Any:
    """Where the subject goes, on the same level, so that the relation is the most telling one."""
    half = (subject.size[:2] + thing.size[:2]) / 2
    middle = (thing.low + thing.high - subject.low - subject.high)[:2] / 2
    small = float(min(subject.size[:2].max(), thing.size[:2].max()))
    if relation in ("in front of", "behind"):
        gap = random.uniform(0.10, 0.9) * max(small, 0.12)
        away = half[1] + max(gap, 0.06)
        aside = random.uniform(-0.45, 0.45) * min(subject.size[0], thing.size[0])
        sign = -1 if relation == "in front of" else 1
        return middle[0] + aside, middle[1] + sign * away, 0.0
    sign = {"to the left of": -1, "to the right of": 1, "next to": random.choice([-1, 1])}[relation]
    aside = random.uniform(-0.35, 0.35) * min(subject.size[1], thing.size[1])
    if relation == "next to":
        wanted = random.uniform(0.008, 0.035)
        place = np.array([middle[0] + sign * half[0], middle[1] + aside])
        for _ in range(6):
            error = separation(subject.moved((*place, 0)), thing) - wanted
            if abs(error) < 0.004:
                break
            place[0] -= sign * error
        else:
            raise Nowhere
        return place[0], place[1], 0.0
    gap = max(0.10, 0.35 * small) + random.uniform(0.0, 1.0) * small
    return middle[0] + sign * (half[0] + gap), middle[1] + aside, 0.0
