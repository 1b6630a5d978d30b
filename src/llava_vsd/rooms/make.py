"""Makes one picture with its annotation from a seed, or says why none came of it."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from llava_vsd.rooms.arrange import Arranger, Nowhere
from llava_vsd.rooms.furnish import furnish
from llava_vsd.rooms.pairs import Pairs, Wish
from llava_vsd.rooms.render import look, paint
from llava_vsd.rooms.scene import Scene
from llava_vsd.rooms.splits import SPLITS, Split
from llava_vsd.rooms.things import Catalogue, kind
from llava_vsd.rooms.truth import Truth
from llava_vsd.rooms.view import choose_camera, hidden_by

QUALITY = 92
"""Of the JPEG files: 20 to 60 KB."""

PLACINGS = 8
"""Places and cameras that are tried for a pair before another is drawn."""

CAMERAS = 4
"""Cameras that are tried for an arrangement: from most of them what is behind is hidden."""

PAIRS = 30
"""Pairs that are tried for a relation before another is drawn: hard relations must not become rare."""


@dataclass
class Shot:
    """An accepted picture.

    Attributes:
        scene: with the subject and the object first.
        truth: of that scene.
        wish: what was asked for.
        pixels: [SIDE, SIDE, 3], sRGB.
        refused: what was turned down on the way, by reason.
    """

    scene: Scene
    truth: Truth
    wish: Wish
    pixels: Any
    refused: Counter[str] = field(default_factory=Counter)

    def jpeg(self) -> bytes:
        """The picture as a file."""
        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, "JPEG", quality=QUALITY)
        return file.getvalue()


class Maker:
    """Makes the pictures of a split.

    Args:
        catalogue: the things.
        split: whose pairs and models.
        seed: of all randomness; a picture depends on seed, split and number alone.
    """

    def __init__(self, catalogue: Catalogue, split: Split, seed: int) -> None:
        self.pairs = Pairs(catalogue, split)
        self.split, self.seed = split, seed
        flat = [
            thing
            for thing in self.pairs.shown
            if "t" in thing.roles
            and thing.is_large
            and thing.name.endswith(("table", "desk", "dresser", "sideboard", "cabinet"))
        ]
        self.arranger = Arranger(catalogue, flat)

    def make(self, number: int) -> Shot:
        """The picture of this number: draws until one is accepted."""
        random = np.random.default_rng([self.seed, SPLITS.index(self.split), number])
        refused: Counter[str] = Counter()
        while True:
            family, relation = self.pairs.draw_relation(random)
            for place in range(PAIRS * PLACINGS):
                if place % PLACINGS == 0:
                    wish = self.pairs.draw_pair(random, family, relation)
                shot = self._try(random, wish, refused)
                if shot is not None:
                    return shot

    def _try(self, random: np.random.Generator, wish: Wish, refused: Counter[str]) -> Shot | None:
        try:
            arrangement = self.arranger.arrange(random, wish)
        except Nowhere:
            refused["no place"] += 1
            return None
        things = arrangement.things
        kinds = [kind(thing.name) for thing in things]
        if len(set(kinds)) < len(kinds):
            refused["no place"] += 1
            return None
        ceiling = arrangement.height
        behind = {"behind": 0, "in front of": 1}.get(wish.relation)
        for _ in range(CAMERAS):
            camera = choose_camera(random, wish.relation, [things[0].mesh, things[1].mesh], ceiling=ceiling)
            if camera is None:
                continue
            if behind is None or hidden_by(camera, things[behind].mesh, things[1 - behind].mesh) < 0.8:
                break
        else:
            refused["no camera"] += 1
            return None
        scene = furnish(random, arrangement, camera, self.arranger, self.pairs.shown)
        sight = look(scene)
        truth = Truth(scene, sight)
        problem = truth.dispute(0, 1, wish.relation)
        if problem:
            refused[problem] += 1
            return None
        return Shot(scene, truth, wish, paint(scene, sight), refused)
