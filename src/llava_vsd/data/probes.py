"""The same question with one thing changed: what an answer hangs on shows in how it changes.

swap: subject and object exchanged, so that the answer must become its converse. mirror: left and right of the picture
exchanged. blank: a grey picture of the same size, so that what is still right was guessed from the names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from llava_vsd.errors import UsageError
from llava_vsd.relations import converse, mirrored
from llava_vsd.schema import Box, Item, Probe, Triple

if TYPE_CHECKING:
    from PIL.Image import Image

PROBES: tuple[Probe, ...] = get_args(Probe)
"""In this order they stand in a file of predictions, behind the answers to the items as they are."""

GREY = (128, 128, 128)
"""Of a blank picture: the same for all, so that not even their brightness is told."""


def parse_probes(text: str) -> tuple[Probe, ...]:
    """The probes that `text` names, separated by commas, in the order of `PROBES`; UsageError for any other name."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in PROBES]
    if unknown:
        raise UsageError(f"probe: {unknown[0]!r}, expected one or more of {', '.join(PROBES)}")
    return tuple(probe for probe in PROBES if probe in names)


def probed(item: Item, probe: Probe, *, width: int | None = None) -> Item:
    """The item as it is asked under a probe: same id and picture, other triples.

    Args:
        item: as it is.
        probe: what to change.
        width: of the picture in pixels; where it is given, a mirror moves the boxes too.

    The labels are what then holds; a swapped `on` or `in`, which has no converse, keeps its label, which means nothing.
    What `holds` lists is mirrored with the picture; it is true whatever is asked, so no other probe changes it.
    """
    change: dict[str, object] = {
        "probe": probe,
        "triples": [_changed(triple, probe, width) for triple in item.triples],
    }
    if probe == "mirror" and item.holds is not None:
        change["holds"] = [_changed(triple, probe, width) for triple in item.holds]
    return item.model_copy(update=change)


def _changed(triple: Triple, probe: Probe, width: int | None) -> Triple:
    if probe == "swap":
        change: dict[str, str | Box] = {
            "subject": triple.object,
            "object": triple.subject,
            "relation": converse(triple.relation) or triple.relation,
            "subject_box": triple.object_box,
            "object_box": triple.subject_box,
        }
    elif probe == "mirror":
        change = {"relation": mirrored(triple.relation)}
        if width is not None:
            change["subject_box"] = mirrored_box(triple.subject_box, width)
            change["object_box"] = mirrored_box(triple.object_box, width)
    else:
        change = {}
    return triple.model_copy(update=change)


def mirrored_box(box: Box, width: int) -> Box:
    """The box in the mirrored picture; `width` of the picture in pixels."""
    top, bottom, left, right = box
    return top, bottom, width - right, width - left


def shown(picture: Image, probe: Probe | None) -> Image:
    """The picture as it is shown under a probe; the same size always."""
    if probe == "mirror":
        from PIL import ImageOps

        return ImageOps.mirror(picture)
    if probe == "blank":
        from PIL import Image as images

        return images.new("RGB", picture.size, GREY)
    return picture
