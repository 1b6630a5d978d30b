"""Which pictures of VSD occur in another training set, under their Visual Genome, COCO or Flickr names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from llava_vsd.data.images import image_key
from llava_vsd.errors import RowError
from llava_vsd.json_list import read_list
from llava_vsd.schema import Conversation, Item, Row

Way = Literal["visual genome", "coco", "name"]

_COCO_FILE = re.compile(r"(?:coco_\w+_)?0*(\d+)$", re.IGNORECASE)
_COCO_FOLDER = re.compile(r"coco|train2014|train2017|val2014|val2017", re.IGNORECASE)
_VG_FOLDER = re.compile(r"vg|vg_100k|vg_100k_2|gqa|visual_?genome", re.IGNORECASE)


class Shared(Row):
    """A picture that both have.

    Attributes:
        id: of the item.
        image: of the item.
        found: how the other set names the picture.
        way: what tells that it is the same: the Visual Genome id (GQA has it too), the COCO id that Visual Genome
            states for it, or the name of its file.
    """

    id: str
    image: str
    found: str
    way: Way


def coco_ids(path: Path) -> dict[str, str]:
    """Visual Genome ids by COCO id, from Visual Genome's `image_data.json`.

    Raises:
        FileError: it is no JSON list.
        RowError: an entry has no image id.
    """
    found: dict[str, str] = {}
    for place, entry in enumerate(read_list(path, of="Visual Genome images")):
        if not isinstance(entry, dict) or not isinstance(entry.get("image_id", entry.get("id")), int):
            raise RowError(path, f"entry {place}", "image_id", "missing; expected a Visual Genome id")
        if entry.get("coco_id"):
            found[str(entry["coco_id"])] = str(entry.get("image_id", entry.get("id")))
    return found


def overlap(
    items: Iterable[Item], conversations: Iterable[Conversation], coco: Mapping[str, str] | None = None
) -> Iterator[Shared]:
    """Yields the items whose picture the conversations are about, in the items' order.

    Args:
        items: of VSD.
        conversations: of another training set.
        coco: Visual Genome ids by COCO id; without it pictures that the set takes from COCO are not recognized.
    """
    known: dict[tuple[Way, str], str] = {}
    for image in dict.fromkeys(one.image for one in conversations if one.image):
        for way, key in _keys(image, coco or {}):
            known.setdefault((way, key), image)
    for item in items:
        key = image_key(item.image)
        ways: tuple[Way, ...] = ("visual genome", "coco") if key.isdigit() else ("name",)
        for way in ways:
            if found := known.get((way, key)):
                yield Shared(id=item.id, image=item.image, found=found, way=way)
                break


def _keys(image: str, coco: Mapping[str, str]) -> Iterator[tuple[Way, str]]:
    """The VSD ids that a picture of the other set may have."""
    *folders, name = image.split("/")
    key = image_key(name)
    if key.isdigit() and (not folders or any(_VG_FOLDER.fullmatch(folder) for folder in folders)):
        yield "visual genome", key
        return
    number = _COCO_FILE.match(key)
    from_coco = key.lower().startswith("coco_") or any(_COCO_FOLDER.fullmatch(folder) for folder in folders)
    if number and from_coco and (found := coco.get(number[1])):
        yield "coco", found
    if not number:
        yield "name", key


def by_way(shared: Iterable[Shared]) -> dict[str, Any]:
    """How many pictures each way tells."""
    counts: dict[str, int] = {}
    for one in shared:
        counts[one.way] = counts.get(one.way, 0) + 1
    return counts
