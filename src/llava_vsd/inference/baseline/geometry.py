"""What two boxes tell, as numbers: how far apart, which is larger, what covers what, how low in the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llava_vsd.schema import Box, Triple

FEATURES = (
    "centre_x/subject_width", "centre_x/object_width", "centre_y/subject_height", "centre_y/object_height",
    "left-left", "right-right", "left-right", "right-left", "top-top", "bottom-bottom", "top-bottom", "bottom-top",
    "width_ratio", "height_ratio", "subject_aspect", "object_aspect", "subject_area", "object_area",
    "subject_covered", "object_covered", "overlap",
    "subject_bottom", "object_bottom", "subject_top", "object_top", "subject_x", "object_x",
)  # fmt: skip
"""Signed distances run from object to subject, in half sizes, or in geometric means of the two sizes; ratios
and areas are logarithms; positions are in pixels (VSD does not tell the picture's size, but most are alike)."""


def geometry(triples: Sequence[Triple]) -> NDArray[np.float32]:
    """The features of each triple's boxes, shape [triples, features]."""
    subjects = np.array([triple.subject_box for triple in triples], np.float64).reshape(-1, 4)
    objects = np.array([triple.object_box for triple in triples], np.float64).reshape(-1, 4)
    s_top, s_bottom, s_left, s_right = subjects.T
    o_top, o_bottom, o_left, o_right = objects.T
    s_height, s_width = s_bottom - s_top + 1, s_right - s_left + 1
    o_height, o_width = o_bottom - o_top + 1, o_right - o_left + 1
    s_x, s_y, o_x, o_y = s_left + s_right, s_top + s_bottom, o_left + o_right, o_top + o_bottom
    width, height = np.sqrt(s_width * o_width), np.sqrt(s_height * o_height)
    s_area, o_area = s_width * s_height, o_width * o_height
    common_x = np.minimum(s_right, o_right) - np.maximum(s_left, o_left) + 1
    common_y = np.minimum(s_bottom, o_bottom) - np.maximum(s_top, o_top) + 1
    common = np.maximum(common_x, 0) * np.maximum(common_y, 0)
    signed = [
        (s_x - o_x) / s_width, (s_x - o_x) / o_width, (s_y - o_y) / s_height, (s_y - o_y) / o_height,
        *(2 * (one - other) / width for one, other in [
            (s_left, o_left), (s_right, o_right), (s_left, o_right), (s_right, o_left)]),
        *(2 * (one - other) / height for one, other in [
            (s_top, o_top), (s_bottom, o_bottom), (s_top, o_bottom), (s_bottom, o_top)]),
    ]  # fmt: skip
    ratios = [
        s_width / o_width, s_height / o_height, s_height / s_width, o_height / o_width, s_area, o_area
    ]  # fmt: skip
    table = [
        *np.arcsinh(signed),  # linear near 0, where it matters, logarithmic far out
        *np.log(ratios),
        common / s_area,
        common / o_area,
        common / (s_area + o_area - common),
        *(s_bottom, o_bottom, s_top, o_top, s_x / 2, o_x / 2),
    ]
    return np.stack(table, axis=1).astype(np.float32)


def mirrored_boxes(triple: Triple) -> tuple[Box, Box]:
    """The two boxes with left and right exchanged; the width that they reach is taken for the picture's."""
    width = max(triple.subject_box[3], triple.object_box[3])
    first, second = (
        (top, bottom, width - right, width - left)
        for top, bottom, left, right in (triple.subject_box, triple.object_box)
    )
    return first, second
