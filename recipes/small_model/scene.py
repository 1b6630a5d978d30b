"""What is known of a picture from which the small model learns: things, their places, how they stand to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from llava_vsd.relations import mirrored

Box = tuple[float, float, float, float]
"""y0, y1, x0, x1, as everywhere; of a thing, as shares of the height and the width."""

ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "center", "right")
SIZES = ("tiny", "small", "large", "huge")


def area(box: Box) -> float:
    """In the square of the box's unit."""
    return (box[1] - box[0]) * (box[3] - box[2])


@dataclass(frozen=True)
class Thing:
    """A thing that can be seen.

    Attributes:
        looks: one word by kind ("colour": "red", "form": "circle"), for some of the kinds.
        plural: whether it is spoken of as several (shoes).
    """

    name: str
    box: Box
    looks: Mapping[str, str]
    plural: bool = False

    @property
    def verb(self) -> str:
        """What agrees with its name."""
        return "are" if self.plural else "is"

    @property
    def place(self) -> dict[str, str]:
        """Words for where its middle is, by thirds of the picture, and how large it is, by its longer side."""
        y0, y1, x0, x1 = self.box
        row, column = (min(int(1.5 * (low + high)), 2) for low, high in ((y0, y1), (x0, x1)))
        extent = int(np.searchsorted((0.2, 0.4, 0.65), max(y1 - y0, x1 - x0)))
        return {"row": ROWS[row], "column": COLUMNS[column], "size": SIZES[extent]}

    @property
    def area(self) -> float:
        """As a share of the picture."""
        return area(self.box)


@dataclass(frozen=True)
class Scene:
    """A picture with what is true of it.

    Attributes:
        key: of the picture, as data files name it.
        open: gives the picture.
        things: their names differ.
        relations: by the places of two things, the relation that tells most.
    """

    key: str
    open: Callable[[], Image.Image]
    things: tuple[Thing, ...]
    relations: Mapping[tuple[int, int], str]

    def mirror(self) -> Scene:
        """The same with left and right swapped."""
        things = tuple(
            replace(one, box=(one.box[0], one.box[1], 1 - one.box[3], 1 - one.box[2])) for one in self.things
        )
        return Scene(
            f"{self.key}/mirrored",
            lambda: self.open().transpose(Image.Transpose.FLIP_LEFT_RIGHT),
            things,
            {pair: mirrored(relation) for pair, relation in self.relations.items()},
        )

    def crop(self, window: Box) -> Scene:
        """A part of it; what is cut by more than a third is in it no longer."""
        top, bottom, left, right = window
        kept: dict[int, Thing] = {}
        for number, thing in enumerate(self.things):
            y0, y1 = (min(max((side - top) / (bottom - top), 0), 1) for side in thing.box[:2])
            x0, x1 = (min(max((side - left) / (right - left), 0), 1) for side in thing.box[2:])
            if (y1 - y0) * (x1 - x0) * (bottom - top) * (right - left) > thing.area * 2 / 3:
                kept[number] = replace(thing, box=(y0, y1, x0, x1))
        place = {number: new for new, number in enumerate(kept)}

        def opened() -> Image.Image:
            image = self.open()
            sides = (left * image.width, top * image.height, right * image.width, bottom * image.height)
            return image.crop(tuple(round(side) for side in sides))

        return Scene(
            f"{self.key}/{window}",
            opened,
            tuple(kept.values()),
            {
                (place[one], place[other]): relation
                for (one, other), relation in self.relations.items()
                if one in place and other in place
            },
        )
