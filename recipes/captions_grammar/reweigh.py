"""Makes the grammar prefer the golden trees: an averaged structured perceptron over the parser itself.

Relative frequencies say what is common; this says what decides. Collins (2002), Discriminative Training Methods for
Hidden Markov Models; in batches, with the step of each score by its own history (Duchi, Hazan and Singer 2011,
Adaptive Subgradient Methods), and from scores with noise (Berthet et al. 2020, Learning with Differentiable Perturbed
Optimizers). No scores parse all captions right. Without noise a perceptron can then still lower the distance between
right and wrong, until all is a tie; more rounds make it worse. The result does not depend on the number of processes:
they add up whole numbers.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Final

import numpy as np
from annotate import derivation
from estimate import Model, Weights
from numpy.typing import NDArray

from llava_vsd.metrics.spice.bounds import fit_costs
from llava_vsd.metrics.spice.pcfg import Parser
from llava_vsd.metrics.spice.sample import SENTENCES
from llava_vsd.metrics.spice.trees import Tree

BATCH: Final = 500
NOISE: Final = (
    0.1  # standard deviation of what is added to each score for a batch; without it, all trees drift to a tie
)
STEP: Final = 0.3  # of a score at its first change; falls to a tenth by the end
HIGHEST_CHAIN: Final = -0.01  # of a unary rule over a phrase, so that no circle of them gains


class _Pupil:
    """What a process needs: the model, whose scores are set anew for each batch, and the golden trees."""

    model: Model
    costs: Weights
    trees: Sequence[str]


_pupil = _Pupil()


def reweigh(
    model: Model, trees: Sequence[str], *, rounds: int, processes: int | None = None, seed: int = 0
) -> Model:
    """Re-weighs all rules and taggings of a model on golden trees.

    Args:
        model: from `estimate`; its rules and taggings stay what they are.
        trees: bracketed, each from ROOT.
        rounds: how often each tree is looked at.
        processes: how many parse; None for one a core.
        seed: of the order of the trees.

    Returns:
        The model with the mean of its scores over the second half of all steps.
    """
    processes = processes or os.cpu_count() or 1
    _pupil.model, _pupil.trees = model, trees
    _pupil.costs = fit_costs(model.grammar(model.scores), SENTENCES)
    tags = set(model.tags)
    over_phrases = np.zeros(len(model.scores), bool)
    over_phrases[slice(*model.borders[:2])] = [child not in tags for _, child in model.unary]
    scores, total, averaged = model.scores.copy(), np.zeros(len(model.scores)), 0
    history = np.ones(len(scores))
    steps = rounds * -(-len(trees) // BATCH)
    order: list[int] = []
    shuffle = random.Random(seed).shuffle
    started, right, looked_at = time.monotonic(), 0, 0
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        for step in range(steps):
            if not order:
                order = list(range(len(trees)))
                shuffle(order)
            batch, order = order[:BATCH], order[BATCH:]
            shares = [batch[share::processes] for share in range(processes)]
            change = np.zeros(len(scores))
            noise = np.random.default_rng([seed, step]).standard_normal(len(scores))
            tried = scores + NOISE * noise
            tried[over_phrases] = np.minimum(tried[over_phrases], HIGHEST_CHAIN)
            for places, counts, equal in pool.map(_compare, [tried] * processes, shares):
                change[places] += counts
                right += equal
            looked_at += len(batch)
            history += change**2
            scores += STEP * (1 - 0.9 * step / steps) * change / np.sqrt(history)
            scores[over_phrases] = np.minimum(scores[over_phrases], HIGHEST_CHAIN)
            if step >= steps // 2:
                total += scores
                averaged += 1
            if (step + 1) % 50 == 0 or step + 1 == steps:
                seconds = time.monotonic() - started
                print(
                    f"step {step + 1} of {steps}: {right / looked_at:.1%} right, {seconds:.0f} s",
                    file=sys.stderr,
                )
                right = looked_at = 0
    return replace(model, scores=total / averaged)


def _compare(scores: Weights, share: list[int]) -> tuple[NDArray[np.int64], Weights, int]:
    """Parses golden sentences.

    Returns:
        The places of the scores that differ in use, how much oftener each is used by the golden trees than by those
        found, and how many trees are equal.
    """
    parser = Parser(replace(_pupil.model.grammar(scores), tag_costs=_pupil.costs))
    change: Counter[int] = Counter()
    equal = 0
    for golden in (Tree.read(_pupil.trees[place]) for place in share):
        found = parser.parse([leaf.word or "" for leaf in golden.leaves()])
        if found == golden:
            equal += 1
        elif found.label == golden.label:  # else the flat tree of a sentence without a parse
            change.update(_pupil.model.parts(derivation(golden)))
            change.subtract(_pupil.model.parts(derivation(found)))
    return np.array(list(change), np.int64), np.array(list(change.values()), np.float64), equal
