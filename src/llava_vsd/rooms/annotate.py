"""A picture's annotation: an item as the other stages read it, and entries as the VSD files have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from llava_vsd.rooms.describe import Noun, Statement, long_sentences, posture, short_sentences
from llava_vsd.rooms.make import Shot
from llava_vsd.rooms.splits import SPLITS, Split, spoken
from llava_vsd.rooms.things import Catalogue
from llava_vsd.schema import Item, Triple

SHELF_WALL = {"shelf": "w", "painting": "w"}
"""Roles of what is made by code and stands in no catalogue."""


class Annotator:
    """Writes the annotations of a split.

    Args:
        catalogue: of the things' roles.
        split: stands in the ids; decides which triples may be told.
        seed: of the sentences.
    """

    def __init__(self, catalogue: Catalogue, split: Split, seed: int) -> None:
        self._roles = SHELF_WALL | {thing.name: thing.roles for thing in catalogue.things}
        self.split, self.seed = split, seed

    def item(self, number: int, shot: Shot) -> Item:
        """The item of a picture.

        Its one triple is the one asked for; `holds` has every triple that is true of things that are clear to see.
        Fields beyond those of `Item`: `things`, these things with box, visible share, model and adjectives; `refused`,
        what was turned down before this picture, by reason.
        """
        random = np.random.default_rng([self.seed, SPLITS.index(self.split), number, 1])
        truth, scene = shot.truth, shot.scene
        triples = [
            self._triple(shot, first, relation, second)
            for first, relation, second in truth.all_triples()
            if spoken(scene.things[first].name, scene.things[second].name, self.split)
        ]
        asked = self._triple(shot, 0, shot.wish.relation, 1)
        said = Statement(
            self._noun(shot, 0),
            self._noun(shot, 1),
            shot.wish.relation,
            self._thirds(shot, 0),
            self._thirds(shot, 1),
        )
        name = f"rooms-{self.split}-{number:05d}"
        extra: dict[str, Any] = {
            "things": [self._thing(shot, place) for place in range(len(scene.things))],
            "refused": dict(shot.refused),
        }
        return Item(
            id=name,
            image=f"{name}.jpg",
            triples=[asked],
            descriptions_v1=short_sentences(random, said),
            descriptions_v2=long_sentences(random, said),
            holds=triples,
            **extra,
        )

    def _triple(self, shot: Shot, first: int, relation: Any, second: int) -> Triple:
        boxes = shot.truth.views[first].box, shot.truth.views[second].box
        assert boxes[0] is not None
        assert boxes[1] is not None
        names = shot.scene.things[first].name, shot.scene.things[second].name
        return Triple(
            subject=names[0], object=names[1], relation=relation, subject_box=boxes[0], object_box=boxes[1]
        )

    def _thing(self, shot: Shot, place: int) -> dict[str, Any]:
        thing, view = shot.scene.things[place], shot.truth.views[place]
        return {
            "name": thing.name,
            "model": thing.model,
            "words": list(thing.words),
            "box": view.box and list(view.box),
            "visible": round(view.share, 3),
        }

    def _noun(self, shot: Shot, place: int) -> Noun:
        thing = shot.scene.things[place]
        roles = self._roles[thing.name]
        width, depth, height = (float(part) for part in thing.mesh.size)
        number = "many" if "n" in roles else "mass" if "m" in roles else "one"
        return Noun(thing.name, thing.words, number, posture((width, depth, height), roles))

    def _thirds(self, shot: Shot, place: int) -> tuple[tuple[Any, Noun], ...]:
        """What the thing at `place` is to things other than the pair, where that may be told."""
        return tuple(
            (relation, self._noun(shot, second))
            for first, relation, second in shot.truth.all_triples()
            if first == place
            and second > 1
            and spoken(shot.scene.things[first].name, shot.scene.things[second].name, self.split)
        )


def vsd_entry(item: Item, style: str) -> dict[str, Any]:
    """An item as an entry of the VSD files, `style` v1 or v2, with all that holds in a field of its own."""
    return {
        "img_id": item.image,
        "triple_list": [_as_vsd(triple) for triple in item.triples],
        "captions": item.descriptions_v1 if style == "v1" else item.descriptions_v2,
        "holds": [_as_vsd(triple) for triple in item.holds or ()],
    }


def _as_vsd(triple: Triple) -> dict[str, Any]:
    return {
        "s": triple.subject,
        "o": triple.object,
        "p": triple.relation,
        "s_bbox": list(triple.subject_box),
        "o_bbox": list(triple.object_box),
    }
