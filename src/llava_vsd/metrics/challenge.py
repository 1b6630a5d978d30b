"""The VSD challenge's score: z1 for task 1, z2 for task 2, z3 for task 3, and overall, with every open choice named.

Source: LLaVA-VSD (ACM MM 2024), section 3.2. The challenge says neither which F1 average it takes nor whether BLEU-4
and SPICE are the best over single references or those of the COCO evaluation, so each choice has its own figure.
All scores are on the scale 0-100; a function takes floats or arrays of them (resamples).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Score = TypeVar("Score", float, NDArray[np.float64])

REFERENCE_MODES = ("best", "corpus")
"""`best`: the best score against one reference, a mean over items; `corpus`: all references at once, as COCO does."""


def z2(bleu4: Score, spice: Score) -> Score:
    """Task 2: one sentence."""
    return 0.4 * bleu4 + 0.6 * spice


def z3(mbleu4: Score, spice: Score) -> Score:
    """Task 3: three sentences, rewarded for what is right and for being different; 75 at most."""
    return 0.5 * (50 - mbleu4) + 0.5 * spice


def overall(z1: Score, z2: Score, z3: Score) -> Score:
    """The figure that the challenge ranks by; 87.5 at most. z1 is the F1 itself."""
    return 0.2 * z1 + 0.3 * z2 + 0.5 * z3


def variants(figures: Mapping[str, Score]) -> dict[str, Score]:
    """All z's and overalls that can be computed from `figures`.

    Args:
        figures: `task1.f1_{micro,macro,weighted}`, `task2.bleu4_{best,corpus}`, `task3.mbleu4` and, where SPICE was
            computed, `task2.spice_{best,corpus}` and `task3.spice_{best,corpus}`.

    Returns:
        `z1.micro` ..., and with SPICE `z2.best` ..., `z3.best` ..., `overall.micro/best` ...; what lacks its figures
        is absent.
    """
    prefix = "task1.f1_"
    found = {f"z1.{name.removeprefix(prefix)}": figures[name] for name in figures if name.startswith(prefix)}
    averages = [name.removeprefix("z1.") for name in found]
    for mode in REFERENCE_MODES:
        if f"task2.spice_{mode}" not in figures or f"task3.spice_{mode}" not in figures:
            continue
        found[f"z2.{mode}"] = z2(figures[f"task2.bleu4_{mode}"], figures[f"task2.spice_{mode}"])
        found[f"z3.{mode}"] = z3(figures["task3.mbleu4"], figures[f"task3.spice_{mode}"])
        for average in averages:
            found[f"overall.{average}/{mode}"] = overall(
                found[f"z1.{average}"], found[f"z2.{mode}"], found[f"z3.{mode}"]
            )
    return found
