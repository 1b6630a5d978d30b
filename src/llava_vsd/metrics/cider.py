"""CIDEr-D as the COCO caption evaluation computes it, so that figures compare with published ones.

Source: Vedantam, Zitnick and Parikh, CVPR 2015, section 3 and the appendix on CIDEr-D, with the choices of
pycocoevalcap 1.2: n-grams of orders 1 to 4, Gaussian length penalty of sigma 6 on the number of bigrams,
document frequencies from the reference sets of the scored items themselves, times 10. A score therefore
depends on which items are scored together; it lies between 0 and 10.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp, log, sqrt
from typing import NamedTuple

from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.metrics.bleu import ngrams

ORDERS = 4
SIGMA = 6.0


class Vector(NamedTuple):
    """A sentence as weighted n-grams.

    Attributes:
        weights: for each order, the weight (count times inverse document frequency) of each n-gram.
        norms: for each order, the Euclidean length of the weights.
        bigrams: number of bigrams, repeated ones included.
    """

    weights: tuple[dict[tuple[str, ...], float], ...]
    norms: tuple[float, ...]
    bigrams: int


def item_cider(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Returns CIDEr-D (0-10) of each item.

    Args:
        candidates: one tokenized sentence an item (see `ptb.tokenize`).
        references: the references of each item, in the same order. With one item alone all scores are 0,
            since
            every n-gram then occurs in every document.

    Raises:
        MismatchError: unequal numbers of candidates and reference sets.
        UsageError: an item has no references.
    """
    if len(candidates) != len(references):
        raise MismatchError(f"CIDEr: {len(candidates)} candidates but {len(references)} sets of references")
    if not all(references):
        raise UsageError("CIDEr: an item has no references, expected one or more")
    frequency: Counter[tuple[str, ...]] = Counter()
    for theirs in references:
        frequency.update({gram for text in theirs for grams in ngrams(text, ORDERS)[1] for gram in grams})
    documents = log(len(references)) if references else 0.0
    rarity = {gram: documents - log(count) for gram, count in frequency.items()}
    vectors: dict[str, Vector] = {}

    def vector(text: str) -> Vector:
        if text not in vectors:
            vectors[text] = _vector(text, rarity, documents)
        return vectors[text]

    return [
        10 * sum(_similarity(vector(one), vector(reference)) for reference in theirs) / len(theirs)
        for one, theirs in zip(candidates, references, strict=True)
    ]


def corpus_cider(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Returns the mean of `item_cider` over items, 0-10; raises as it does, and UsageError without items."""
    if not candidates:
        raise UsageError("CIDEr: no items")
    scores = item_cider(candidates, references)
    return sum(scores) / len(scores)


def _vector(text: str, rarity: dict[tuple[str, ...], float], unseen: float) -> Vector:
    grams = ngrams(text, ORDERS)[1]
    weights = tuple({gram: count * rarity.get(gram, unseen) for gram, count in own.items()} for own in grams)
    norms = tuple(sqrt(sum(weight * weight for weight in own.values())) for own in weights)
    return Vector(weights, norms, grams[1].total())


def _similarity(candidate: Vector, reference: Vector) -> float:
    total = 0.0
    for own, theirs, norm, their_norm in zip(
        candidate.weights, reference.weights, candidate.norms, reference.norms, strict=True
    ):
        if norm and their_norm:
            shared = [gram for gram in own if gram in theirs]  # in the words' order: sums do not vary by run
            total += sum(min(own[gram], theirs[gram]) * theirs[gram] for gram in shared) / (norm * their_norm)
    difference = candidate.bigrams - reference.bigrams
    return total / ORDERS * exp(-(difference**2) / (2 * SIGMA**2))
