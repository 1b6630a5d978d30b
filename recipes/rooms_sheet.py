"""Lays pictures of `vsd rooms` side by side with what is claimed of them, so that a person can look for false claims.

python recipes/rooms_sheet.py rooms/train -o on.png --relation on --count 50 [--boxes]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

from llava_vsd.jsonl import read_rows
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Triple

COLUMNS, SIDE, LINE = 10, 224, 13


def sheet(items: list[Item], images: Path, *, boxes: bool) -> Image.Image:
    """The pictures in rows of `COLUMNS`, each with its claim and one long sentence below."""
    rows = -(-len(items) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * SIDE, rows * (SIDE + 3 * LINE)), "white")
    pen = ImageDraw.Draw(page)
    for place, item in enumerate(items):
        with Image.open(images / item.image) as opened:
            picture = opened.convert("RGB")
        if boxes:
            _draw_boxes(picture, item.pair)
        x, y = place % COLUMNS * SIDE, place // COLUMNS * (SIDE + 3 * LINE)
        page.paste(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (x, y))
        claim = f"{item.id.rpartition('-')[2]}: {item.pair.subject} {item.pair.relation.upper()} {item.pair.object}"
        for line, text in enumerate((claim, *_folded(item.descriptions_v2[0]))):
            pen.text((x + 2, y + SIDE + line * LINE), text, fill="black")
    return page


def _folded(text: str, width: int = 38) -> list[str]:
    return [text[:width], text[width : 2 * width]]


def _draw_boxes(picture: Image.Image, triple: Triple) -> None:
    pen = ImageDraw.Draw(picture)
    for box, colour in ((triple.subject_box, "red"), (triple.object_box, "blue")):
        pen.rectangle((box[2], box[0], box[3] - 1, box[1] - 1), outline=colour)


def main() -> None:
    """Reads the arguments and writes the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--relation", choices=RELATIONS)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--boxes", action="store_true")
    given = parser.parse_args()
    items = [
        item
        for item in read_rows(given.folder / "items.jsonl", Item)
        if given.relation in (None, item.pair.relation)
    ]
    sheet(items[: given.count], given.folder / "images", boxes=given.boxes).save(given.output)
    print(f"{given.output}: {min(len(items), given.count)} pictures")


if __name__ == "__main__":
    main()
