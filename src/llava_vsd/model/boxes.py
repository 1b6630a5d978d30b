"""Boxes in the question, as text in the convention that the model learned: two men in a picture are both "the man"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from llava_vsd.schema import Box, Place

Convention = Literal["pixels", "thousandths", "unit"]
"""Pixels after the processor's resize (Qwen2.5-VL), 0-1000 of each side (Qwen2-VL, InternVL), 0-1 of it (LLaVA)."""


def box_text(
    box: Box, convention: Convention, size: tuple[int, int], resized: tuple[int, int] | None = None
) -> str:
    """A box as `[x0, y0, x1, y1]`: whole numbers, or two decimals where the unit is the side.

    Args:
        box: [y_min, y_max, x_min, x_max] in pixels of the file.
        convention: how the model writes boxes.
        size: height and width of the file; what lies outside is brought to the border.
        resized: height and width after the processor's resize; asked for by "pixels".
    """
    y0, y1, x0, x1 = box
    height, width = size
    shares = [
        min(max(value / side, 0.0), 1.0)
        for value, side in ((x0, width), (y0, height), (x1, width), (y1, height))
    ]
    if convention == "unit":
        return "[" + ", ".join(f"{share:.2f}" for share in shares) + "]"
    if convention == "thousandths":
        sides: tuple[int, int] = (1000, 1000)
    elif resized is None:
        raise ValueError("boxes in pixels need the size after the processor's resize")
    else:
        sides = (resized[1], resized[0])
    return (
        "[" + ", ".join(str(round(share * side)) for share, side in zip(shares, sides * 2, strict=True)) + "]"
    )


def with_places(
    question: str,
    places: Sequence[Place],
    convention: Convention,
    size: tuple[int, int],
    resized: tuple[int, int] | None = None,
) -> str:
    """The question and where its things are; see `box_text`."""
    told = ", ".join(f"the {place.name} {box_text(place.box, convention, size, resized)}" for place in places)
    return f"{question} Boxes as [x0, y0, x1, y1]: {told}."
