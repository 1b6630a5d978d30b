"""Stand-in pictures for VSD: each item's boxes as coloured shapes, its things called by what is drawn.

    python recipes/small_model/shapes.py --v1 vsdv1_val.json --v2 vsdv2_val.json -o DIR [--held-out 600]

Writes `DIR/images`, the same pictures without anything on them in `DIR/blank`, and the annotations in the form of VSD:
`DIR/fit_v1.json`, `DIR/fit_v2.json`, `DIR/held_v1.json`, `DIR/held_v2.json`, for `vsd build`. Whoever learns from them
needs to see where the red circle is; the names of VSD, which give away a good part of the relations, are gone.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from scene import Box, Scene, Thing, area

from llava_vsd.data.vsd import read_items
from llava_vsd.schema import Item

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "green": (46, 160, 67),
    "blue": (38, 92, 214),
    "yellow": (245, 211, 38),
    "purple": (138, 60, 190),
    "orange": (243, 138, 28),
    "white": (250, 250, 250),
    "black": (20, 20, 20),
    "pink": (244, 150, 190),
    "brown": (126, 78, 42),
}
FORMS = ("circle", "square", "triangle", "diamond", "cross")
KINDS = {"colour": tuple(COLOURS), "form": FORMS}
NAMES = tuple(f"{colour} {form}" for colour in COLOURS for form in FORMS)
GROUND = (150, 156, 162)
SIZE = 112
"""Side of a picture, in pixels."""


def picture(things: Iterable[tuple[str, Box]]) -> Image.Image:
    """Draws named shapes by their boxes in pixels, the largest first, so that small ones on it stay in sight."""
    image = Image.new("RGB", (2 * SIZE, 2 * SIZE), GROUND)  # twice the size, to draw smooth edges
    pen = ImageDraw.Draw(image)
    for name, box in sorted(things, key=lambda thing: -area(thing[1])):
        colour, form = name.split()
        y0, y1, x0, x1 = (2 * side for side in box)
        middle_y, middle_x, third_y, third_x = (y0 + y1) / 2, (x0 + x1) / 2, (y1 - y0) / 3, (x1 - x0) / 3
        paint = {"fill": COLOURS[colour], "outline": (90, 90, 90), "width": 3}
        if form == "circle":
            pen.ellipse((x0, y0, x1, y1), **paint)
        elif form == "square":
            pen.rectangle((x0, y0, x1, y1), **paint)
        elif form == "triangle":
            pen.polygon([(middle_x, y0), (x1, y1), (x0, y1)], **paint)
        elif form == "diamond":
            pen.polygon([(middle_x, y0), (x1, middle_y), (middle_x, y1), (x0, middle_y)], **paint)
        else:
            pen.rectangle((x0 + third_x, y0, x1 - third_x, y1), **paint)
            pen.rectangle((x0, y0 + third_y, x1, y1 - third_y), **paint)
    return image.resize((SIZE, SIZE), Image.Resampling.BOX)


def drawn(item: Item) -> tuple[dict[str, Any], dict[str, Any], dict[str, Box]]:
    """The asked pair of an item as shapes.

    Returns:
        the entries of v1 and v2 with things, boxes and descriptions in the terms of the picture, and what to draw.
    """
    lot = random.Random(item.id)
    pair = item.pair
    boxes = [[float(side) for side in box] for box in (pair.subject_box, pair.object_box)]
    height, width = (max(box[1 + axis] for box in boxes) for axis in (0, 2))
    scale = SIZE / (max(height, width) * 1.05)
    dy, dx = (lot.uniform(0, SIZE - side * scale) for side in (height, width))
    moved = []
    for y0, y1, x0, x1 in boxes:
        cy, cx, h, w = (
            (y0 + y1) / 2 * scale + dy,
            (x0 + x1) / 2 * scale + dx,
            (y1 - y0) * scale,
            (x1 - x0) * scale,
        )
        h, w = max(h, 8), max(w, 8)  # what is smaller has no visible form
        moved.append(
            (max(cy - h / 2, 0), min(cy + h / 2, SIZE - 1), max(cx - w / 2, 0), min(cx + w / 2, SIZE - 1))
        )
    subject, object_ = lot.sample(NAMES, 2)
    while subject.split()[0] == object_.split()[0]:  # one colour each: a shape can be told at any size
        subject, object_ = lot.sample(NAMES, 2)
    names = {pair.subject: subject, pair.object: object_}

    def told(texts: list[str]) -> list[str]:
        said = []
        for text in texts:
            low = text.lower()
            if pair.subject in low and pair.object in low and pair.subject != pair.object:
                first, second = sorted(names, key=len, reverse=True)
                said.append(
                    low.replace(first, "\0").replace(second, names[second]).replace("\0", names[first])
                )
        return said

    triple = {
        "s": subject, "p": pair.relation, "o": object_,
        "s_bbox": [round(side) for side in moved[0]], "o_bbox": [round(side) for side in moved[1]],
    }  # fmt: skip
    plain = f"the {subject} is {pair.relation} the {object_}."
    entry = {"img_id": item.id, "triple_list": [triple]}
    v1 = {**entry, "captions": told(item.descriptions_v1) or [plain]}
    v2 = {**entry, "captions": told(item.descriptions_v2) or [plain]}
    return v1, v2, {subject: moved[0], object_: moved[1]}


def stands(one: Box, other: Box) -> str | None:
    """How two drawn things stand to each other, by their boxes: what is over, in, or beside what."""
    (top, bottom, left, right), (up, low, west, east) = one, other
    inside = up <= top and bottom <= low and west <= left and right <= east
    around = top <= up and low <= bottom and left <= west and east <= right
    if inside or around:
        return "in" if inside else None
    across, down = (left + right - west - east) / 2, (top + bottom - up - low) / 2
    if abs(across) > 1.3 * abs(down):
        return "to the left of" if across < 0 else "to the right of"
    if abs(down) > 1.3 * abs(across):
        return "above" if down < 0 else "under"
    return None


def random_scenes(seed: int) -> Iterator[Scene]:
    """Pictures without a question, to teach what is where: two to four shapes of different colours."""
    lot = random.Random(seed)
    for number in count():
        boxes: dict[str, Box] = {}
        for colour in lot.sample(list(COLOURS), lot.randint(2, 4)):
            h, w = (min(max(SIZE * lot.betavariate(1.3, 2.2), 8), SIZE - 2) for _ in "hw")
            y, x = lot.uniform(0, SIZE - 1 - h), lot.uniform(0, SIZE - 1 - w)
            boxes[f"{colour} {lot.choice(FORMS)}"] = (y, y + h, x, x + w)
        things = tuple(
            Thing(
                name,
                tuple(side / SIZE for side in box),  # type: ignore[arg-type]
                dict(zip(KINDS, name.split(), strict=True)),
            )
            for name, box in boxes.items()
        )
        relations = {
            (one, other): relation
            for one, first in enumerate(boxes.values())
            for other, second in enumerate(boxes.values())
            if one != other and (relation := stands(first, second))
        }
        yield Scene(f"shapes-{seed}-{number:06d}", partial(picture, boxes.items()), things, relations)


def main() -> None:
    """Reads VSD, draws, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--v1", type=Path, required=True)
    parser.add_argument("--v2", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument(
        "--held-out", type=int, default=600, help="How many of the last items are not for training."
    )
    chosen = parser.parse_args()
    items = list(read_items(chosen.v1, chosen.v2, split="val"))
    for folder in ("images", "blank"):
        (chosen.output / folder).mkdir(parents=True, exist_ok=True)
    parts: dict[str, list[Any]] = {name: [] for name in ("fit_v1", "fit_v2", "held_v1", "held_v2")}
    for place, item in enumerate(items):
        v1, v2, scene = drawn(item)
        picture(scene.items()).save(chosen.output / "images" / f"{item.id}.png")
        picture([]).save(chosen.output / "blank" / f"{item.id}.png")
        part = "fit" if place < len(items) - chosen.held_out else "held"
        parts[f"{part}_v1"].append(v1)
        parts[f"{part}_v2"].append(v2)
    for name, entries in parts.items():
        (chosen.output / f"{name}.json").write_text(json.dumps(entries, indent=1) + "\n")
    print(
        f"{len(items):,} pictures; {len(parts['fit_v1']):,} items to train on, {len(parts['held_v1']):,} held out"
    )


if __name__ == "__main__":
    main()
