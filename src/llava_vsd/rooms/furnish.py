"""Fills the rest of a room: furniture along the walls, small things beside the pair, a picture on the wall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from llava_vsd.rooms.arrange import Arrangement, Arranger
from llava_vsd.rooms.built import picture
from llava_vsd.rooms.mesh import Mesh
from llava_vsd.rooms.paint import PALETTE
from llava_vsd.rooms.resting import rest, step_for, tops, undersides
from llava_vsd.rooms.scene import SIDE, Camera, Placed, Scene
from llava_vsd.rooms.shell import build_shell, wall_normal
from llava_vsd.rooms.things import Thing, kind


def furnish(
    random: np.random.Generator,
    arrangement: Arrangement,
    camera: Camera,
    arranger: Arranger,
    shown: Sequence[Thing],
) -> Scene:
    """The scene: the pair, what holds it, clutter that hides neither, and the room around."""
    things = list(arrangement.things)
    kinds = {kind(thing.name) for thing in things}
    turn = arrangement.turn
    normal, across = wall_normal(turn), np.array([np.cos(turn), np.sin(turn)])
    flat = np.concatenate([_footprint(thing.mesh) for thing in things])
    back = arrangement.back
    if back is None:
        span = float(np.ptp(flat, axis=0).max())
        back = float((-(flat @ normal)).max()) + float(
            random.choice([0.03, random.uniform(0.05, 0.5), random.uniform(0.3, 1.6)])
        ) * max(0.6, span)
    boxes = [_pixels(camera, thing.mesh) for thing in things[:2]]
    if arrangement.stage is not None:
        for _ in range(int(random.integers(0, 4))):
            _scatter(random, things, kinds, arrangement.stage, camera, boxes, arranger, shown)
    for _ in range(int(random.integers(0, 5))):
        _line_up(random, things, kinds, turn, back, camera, boxes, arranger, shown)
    if arrangement.back is None and random.random() < 0.45:
        _hang_picture(random, things, turn, back, camera, boxes)
    flat = np.concatenate([*(_footprint(thing.mesh) for thing in things), camera.eye[None, :2]])
    sides = flat @ across
    top = max(float(thing.mesh.high[2]) for thing in things)
    height = arrangement.height or max(2.45, top + 0.1, float(camera.eye[2]) + 0.3) + float(
        random.uniform(0, 0.4)
    )
    low = np.min([thing.mesh.low for thing in things[:2]], axis=0)
    high = np.max([thing.mesh.high for thing in things[:2]], axis=0)
    shell = build_shell(
        random,
        turn=turn,
        back=back,
        left=float(-sides.min()) + float(random.uniform(0.1, 2.5)),
        right=float(sides.max()) + float(random.uniform(0.1, 2.5)),
        height=height,
        middle=(low + high)[:2] / 2,
        span=max(0.6, float((high - low)[:2].max())),
    )
    return Scene(tuple(things), camera, shell)


def _footprint(mesh: Mesh) -> Any:
    """The corners of the box around its footprint, [4, 2]."""
    (x0, y0), (x1, y1) = mesh.low[:2], mesh.high[:2]
    return np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)])


def _pixels(camera: Camera, mesh: Mesh) -> Any:
    """Columns and rows of the box around its projection, and the least distance: [x0, y0, x1, y1, near]."""
    points = np.ascontiguousarray(camera.project(mesh.corners.reshape(-1, 3)[:: max(1, len(mesh) // 300)]).T)
    return np.array([*points[:2].min(axis=1), *points[:2].max(axis=1), points[2].min()])


def _apart(mesh: Mesh, things: Sequence[Placed], margin: float) -> bool:
    """Whether its box touches none of theirs."""
    return all(
        np.any(mesh.low - margin > other.mesh.high) or np.any(mesh.high + margin < other.mesh.low)
        for other in things
    )


def _hides(camera: Camera, mesh: Mesh, boxes: Sequence[Any]) -> bool:
    """Whether it may hide one of the pair, or reaches behind the eye."""
    mine = _pixels(camera, mesh)
    if mine[4] < 0.3:
        return True
    if mine[2] < 0 or mine[3] < 0 or mine[0] > SIDE or mine[1] > SIDE:
        return False
    return any(
        mine[0] < box[2] + 3
        and mine[2] > box[0] - 3
        and mine[1] < box[3] + 3
        and mine[3] > box[1] - 3
        and mine[4] < box[4]
        for box in boxes
    )


def _candidate(
    random: np.random.Generator, shown: Sequence[Thing], kinds: set[str], fits: Callable[[Thing], bool]
) -> Thing | None:
    for _ in range(12):
        thing = shown[int(random.integers(len(shown)))]
        if kind(thing.name) not in kinds and not thing.hangs and fits(thing):
            return thing
    return None


def _scatter(
    random: np.random.Generator,
    things: list[Placed],
    kinds: set[str],
    stage: Placed,
    camera: Camera,
    boxes: Sequence[Any],
    arranger: Arranger,
    shown: Sequence[Thing],
) -> None:
    """One small thing on the stage, where it rests and hides nothing."""
    pair = things[:2]
    reach = 2.5 * max(float(thing.mesh.size.max()) for thing in pair)
    thing = _candidate(random, shown, kinds, lambda one: one.largest < min(0.5, reach) and not one.stays_down)
    if thing is None:
        return
    mesh = arranger.dressed(random, thing).moved((0, 0, 0), random.uniform(-0.8, 0.8))
    step = step_for(mesh)
    under, over = undersides(mesh, step), tops(stage.mesh, step)
    others = [other for other in things if other is not stage]
    middle = (pair[0].mesh.low + pair[1].mesh.high)[:2] / 2
    for _ in range(10):
        spot = middle + random.uniform(-1, 1, 2) * reach
        rested = rest(under, over, *spot)
        if not rested.stable or rested.over < 0.97 or abs(rested.z - float(stage.mesh.high[2])) > 0.012:
            continue
        placed = mesh.moved((rested.x, rested.y, rested.z))
        if _apart(placed, others, 0.03) and not _hides(camera, placed, boxes):
            things.append(arranger.named(thing, placed))
            kinds.add(kind(thing.name))
            return


def _line_up(
    random: np.random.Generator,
    things: list[Placed],
    kinds: set[str],
    turn: float,
    back: float,
    camera: Camera,
    boxes: Sequence[Any],
    arranger: Arranger,
    shown: Sequence[Thing],
) -> None:
    """One piece on the floor, mostly against the back wall."""
    thing = _candidate(random, shown, kinds, lambda one: one.largest > 0.35 and not one.is_small)
    if thing is None:
        return
    mesh = arranger.dressed(random, thing).moved((0, 0, 0), turn)
    normal, across = wall_normal(turn), np.array([np.cos(turn), np.sin(turn)])
    middle = (things[0].mesh.low + things[1].mesh.high)[:2] / 2
    for _ in range(8):
        along = float(across @ middle) + random.normal(0, 1.3)
        off = (
            float(thing.size[1]) / 2
            + random.uniform(0.01, 0.05)
            + (0.0 if random.random() < 0.7 else random.uniform(0, 1.2))
        )
        spot = across * along + normal * (off * 1.08 - back)
        placed = mesh.moved((*spot, 0.0))
        flat = placed.corners.reshape(-1, 3)[:, :2] @ normal
        if float(flat.min()) < -back:
            placed = placed.moved((*(normal * (-back - float(flat.min()) + 0.01)), 0.0))
        if _apart(placed, things, 0.06) and not _hides(camera, placed, boxes):
            things.append(arranger.named(thing, placed))
            kinds.add(kind(thing.name))
            return


def _hang_picture(
    random: np.random.Generator,
    things: list[Placed],
    turn: float,
    back: float,
    camera: Camera,
    boxes: Sequence[Any],
) -> None:
    """A framed picture on the back wall, if one is in view there and hides nothing."""
    normal, across = wall_normal(turn), np.array([np.cos(turn), np.sin(turn)])
    inside = [
        PALETTE[place] for place in random.choice(len(PALETTE), int(random.integers(2, 5)), replace=False)
    ]
    frame = PALETTE[random.choice([7, 8, 10, 12])]
    mesh = picture(random.uniform(0.3, 0.9), random.uniform(0.3, 0.7), frame, inside)
    middle = (things[0].mesh.low + things[1].mesh.high)[:2] / 2
    for _ in range(8):
        spot = across * (float(across @ middle) + random.normal(0, 0.9)) + normal * (0.013 - back)
        placed = mesh.moved((*spot, random.uniform(0.9, 1.6)), turn)
        if _apart(placed, things, 0.05) and not _hides(camera, placed, boxes):
            things.append(Placed("painting", "picture", placed, False))
            return
