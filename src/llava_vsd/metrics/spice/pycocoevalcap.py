"""A class that takes the place of pycocoevalcap's `Spice`: same calls, same shapes, no Java."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llava_vsd.errors import UsageError
from llava_vsd.metrics.spice import pipeline
from llava_vsd.metrics.spice.files import categories


class Spice:
    """Use it where `pycocoevalcap.spice.spice.Spice` stands: `scorer.compute_score(gts, res)`.

    Args:
        grammar, processes, cache: see `pipeline.Spice`.
    """

    def __init__(
        self, grammar: str | Path = "", *, processes: int = 1, cache: str | Path | None = None
    ) -> None:
        self._spice = pipeline.Spice(grammar, processes=processes, cache=cache)

    def compute_score(
        self, gts: Mapping[Any, Sequence[str]], res: Mapping[Any, Sequence[str]]
    ) -> tuple[float, list[dict[str, dict[str, float]]]]:
        """Scores every image.

        Args:
            gts: the references of each image, tokenized as pycocoevalcap does it.
            res: one candidate an image, in a list.

        Returns:
            the mean F, and per image, in the order of their sorted names, the figures of each category; NaN where
            the references have nothing of it.

        Raises:
            UsageError: the images differ or cannot be sorted, or an image has not just one candidate or no
                reference.
        """
        if gts.keys() != res.keys():
            raise UsageError("gts and res hold different images, expected the same ones")
        try:
            images = sorted(gts)
        except TypeError:
            raise UsageError("images: names of several types, expected ones that can be sorted") from None
        for image in images:
            texts = isinstance(res[image], str) or isinstance(gts[image], str)  # where lists of them belong
            if texts or len(res[image]) != 1 or not gts[image]:
                raise UsageError(f"image {image}: expected one candidate and at least one reference")
        scores = self._spice.score_all((res[image][0], gts[image]) for image in images)
        figures = [
            {
                name: {key: math.nan if value is None else float(value) for key, value in row.items()}
                for name, row in categories(score, subset=True).items()
            }
            for score in scores
        ]
        return math.fsum(score.f for score in scores) / len(scores) if scores else math.nan, figures

    def method(self) -> str:
        """What reports say: which SPICE this is."""
        return self._spice.name
