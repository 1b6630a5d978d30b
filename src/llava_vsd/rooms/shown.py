"""How much of a thing must show before it is told or asked about: bounds that follow from disputed pictures."""

from __future__ import annotations

from dataclasses import dataclass

from llava_vsd.relations import Relation
from llava_vsd.rooms.scene import SIDE
from llava_vsd.schema import Box

LEAST_SHARE = 0.25
"""Of its samples that a thing must show."""

LEAST_SHARES: dict[Relation, tuple[float, float]] = {
    "above": (0.58, LEAST_SHARE),
    "under": (0.5, LEAST_SHARE),
    "next to": (0.5, 0.5),  # one beside and behind: many would say behind
    "in": (0.45, LEAST_SHARE),
    "behind": (0.4, LEAST_SHARE),
}
"""By the relation that is asked, of the samples of subject and object, where it is more: of what shows less,
reviewers could not tell what it is."""

THROUGH_SLOTS: tuple[Relation, ...] = ("in", "behind")
"""Not asked where the object has slots: bits of the subject show, from which nobody tells the one from the other."""

LEAST_AREA = 0.006
"""Of the picture that its box must take."""

LEAST_SIDE = 13
"""Pixels, each way, of the box of a thing that is asked about: a thing seen from its edge is a stroke."""

LEAST_FRAMED = 0.3
"""Of the box around its whole projection that must lie in the picture: a strip at the edge is not told..."""

LARGE_AREA = 0.15
"""...unless the box of what shows takes this share of the picture: the table under the camera is known as one."""


@dataclass(frozen=True)
class View:
    """How a thing shows.

    Attributes:
        box: [y_min, y_max, x_min, x_max] of its visible pixels; None where none is seen.
        share: of the samples that it would cover alone.
        framed: share of the box around its whole projection that lies in the picture; 0 where it reaches behind
            the eye.
    """

    box: Box | None
    share: float
    framed: float

    @property
    def area(self) -> float:
        """Of the box, as a share of the picture."""
        if self.box is None:
            return 0.0
        return (self.box[1] - self.box[0]) * (self.box[3] - self.box[2]) / SIDE**2

    @property
    def clear(self) -> bool:
        """Whether it can be spoken of."""
        framed = self.framed >= LEAST_FRAMED or self.area >= LARGE_AREA
        return self.share >= LEAST_SHARE and self.area >= LEAST_AREA and framed

    def asked(self, least_share: float) -> bool:
        """Whether it shows enough to be asked about."""
        if self.box is None:
            return False
        side = min(self.box[1] - self.box[0], self.box[3] - self.box[2])
        return self.share >= least_share and self.area >= LEAST_AREA and side >= LEAST_SIDE
