"""Intervals for every figure at once: a figure is a function of sums over items, a resample is other weights in them.

Source of the method: Efron and Tibshirani, An Introduction to the Bootstrap (1993), percentile intervals; for the
paired comparison of two systems, Koehn, EMNLP 2004.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llava_vsd.errors import MismatchError

Array = NDArray[np.float64]

LEVEL = 95
"""Percent of the resamples that an interval holds; the rest lies half below and half above it."""

_AT_ONCE = 100  # resamples in memory at a time


@dataclass(frozen=True)
class Figure:
    """A score of a set of items that depends on sums over the items alone.

    Attributes:
        columns: what each item adds, shape [items, k].
        score: from sums, shape [..., k], to scores, shape [...]; NaN where the sums hold nothing to score.
    """

    columns: Array
    score: Callable[[Array], Array]


def mean(values: Array, *, over: Array | None = None, scale: float = 1.0) -> Figure:
    """The figure that is a mean.

    Args:
        values: sum of each item's values, shape [items].
        over: how many values each item has (0 leaves it out); one each without it.
        scale: factor of the result, e.g. 100.
    """
    counts = np.ones_like(values) if over is None else over
    return Figure(
        np.stack([values, counts], axis=-1), lambda sums: scale * _quotient(sums[..., 0], sums[..., 1])
    )


def values(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Each figure of the items as they are."""
    return {name: float(figure.score(figure.columns.sum(0))) for name, figure in figures.items()}


def replicates(figures: Mapping[str, Figure], resamples: int, *, seed: int) -> dict[str, Array]:
    """Each figure of `resamples` sets of as many items, drawn with replacement; shape [resamples] each.

    All figures see the same draws, and so do two calls with the same seed and number of items: differences between
    figures, or between two systems on the same items, are paired.

    Raises:
        MismatchError: figures of different numbers of items.
    """
    if len({len(figure.columns) for figure in figures.values()}) > 1:
        raise MismatchError("figures of different numbers of items cannot be resampled together")
    items = len(next(iter(figures.values())).columns)
    table = np.concatenate([figure.columns for figure in figures.values()], axis=1)
    starts = np.cumsum([0, *(figure.columns.shape[1] for figure in figures.values())])
    found: dict[str, list[Array]] = {name: [] for name in figures}
    for weights in _draws(items, resamples, seed):
        sums = weights @ table
        for place, (name, figure) in enumerate(figures.items()):
            found[name].append(figure.score(sums[:, starts[place] : starts[place + 1]]))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _draws(items: int, resamples: int, seed: int) -> Iterator[Array]:
    """How often each item is drawn, shape [up to _AT_ONCE, items]."""
    random = np.random.default_rng(seed)
    for start in range(0, resamples, _AT_ONCE):
        yield np.stack(
            [
                np.bincount(random.integers(0, items, items), minlength=items).astype(np.float64)
                for _ in range(min(_AT_ONCE, resamples - start))
            ]
        )


def known(scores: Array) -> bool:
    """Whether any resample holds something to score."""
    return not bool(np.isnan(scores).all())


def interval(scores: Array) -> list[float]:
    """The `LEVEL` % percentile interval, [low, high], of the resamples that hold something to score."""
    tail = (100 - LEVEL) / 2
    low, high = np.nanpercentile(scores, [tail, 100 - tail])
    return [float(low), float(high)]


def share_above_zero(scores: Array) -> float:
    """Share of the resamples that are above 0, in 0-1; of those that hold something to score."""
    return float((scores[~np.isnan(scores)] > 0).mean())


def _quotient(part: Array, whole: Array) -> Array:
    out: Array = np.full(np.shape(part), np.nan)
    return np.divide(part, whole, out=out, where=whole > 0)
