"""Whether a model's scores can be believed: calibration error, Brier score, log loss. All of them on the scale 0-1
but the log loss, which is in nats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llava_vsd.errors import UsageError
from llava_vsd.relations import RELATIONS, Relation, converse

BINS = 15
"""Bins of equal width between 0 and 1, as Guo et al. (ICML 2017) use them."""

Array = NDArray[np.float64]

_SMALLEST = float(
    np.finfo(np.float64).eps
)  # a probability of 0 counts as this in the log loss, as in scikit-learn
_HOTTEST = 100.0  # temperature
_SLACK = 1e-3  # rounding that is allowed in a sum of nine written probabilities


def probabilities(scores: Mapping[Relation, float]) -> Array:
    """The probabilities of the nine relations, shape [9]; a relation that is not named has 0.

    The sum may lie below 1: a server that tells its most likely answers alone leaves the rest open.

    Raises:
        UsageError: a score outside 0-1, or a sum above 1.
    """
    for name, score in scores.items():
        if not 0 <= score <= 1:
            raise UsageError(f"scores.{name}: {score}, expected a probability between 0 and 1")
    total = sum(scores.values())
    if total > 1 + _SLACK:
        raise UsageError(f"scores: sum to {total:.6g}, expected probabilities, which sum to 1")
    return np.array([scores.get(name, 0.0) for name in RELATIONS])


def binned(confidence: Array, correct: Array) -> Array:
    """Sorts answers into bins of confidence.

    Args:
        confidence: probability that the model gave its answer, 0-1, shape [n].
        correct: 1 where the answer was right, else 0, shape [n].

    Returns:
        shape [n, BINS, 3]: for the bin that the answer falls into 1, its confidence and its correctness, else 0;
        sums over n are what `expected_calibration_error` takes. A bin holds its upper edge, the first both edges.
    """
    place = np.clip(np.ceil(confidence * BINS).astype(np.intp) - 1, 0, BINS - 1)
    table = np.zeros((len(confidence), BINS, 3))
    table[np.arange(len(confidence)), place] = np.stack(
        [np.ones_like(confidence), confidence, correct], axis=-1
    )
    return table


def expected_calibration_error(sums: Array) -> Array:
    """Mean over answers of the distance between confidence and accuracy in the answer's bin.

    Source: Naeini et al., AAAI 2015; Guo et al., ICML 2017, eq. 5.

    Args:
        sums: shape [..., BINS, 3], sums of `binned` over answers.

    Returns:
        shape [...], 0-1.
    """
    gaps: Array = np.abs(sums[..., 1] - sums[..., 2]).sum(-1)
    answers: Array = sums[..., 0].sum(-1)
    error = np.zeros(np.shape(gaps), dtype=np.float64)
    return np.divide(gaps, answers, out=error, where=answers > 0)


def brier(given: Array, gold: Sequence[Relation]) -> Array:
    """Half the squared distance between the probabilities and the truth, of each triple, 0-1 (Brier, 1950).

    Args:
        given: probabilities, shape [n, 9].
        gold: n relations.

    Returns:
        shape [n]; its mean is the Brier score, halved so that a sure and wrong answer costs 1.
    """
    distance: Array = ((given - _truth(gold)) ** 2).sum(-1) / 2
    return distance


def log_loss(given: Array, gold: Sequence[Relation]) -> Array:
    """Minus the natural logarithm of the probability of the gold relation, of each triple, in nats; shape [n]."""
    loss: Array = -np.log(np.clip((given * _truth(gold)).sum(-1), _SMALLEST, 1))
    return loss


def both_orders(there: Array, back: Array) -> Array:
    """Probabilities of the nine relations of (subject, object) from those that the question in each order gave.

    `on` and `in` have no converse: how much they have, the first order alone says. The rest is divided among the other
    seven by the mean of what both orders say of them, the second's relations taken for their converses.

    Args:
        there: of (subject, object), shape [9].
        back: of (object, subject), shape [9].

    Returns:
        shape [9], 1 in sum if `there` is.
    """
    turned = [
        (place, RELATIONS.index(other)) for place, name in enumerate(RELATIONS) if (other := converse(name))
    ]
    here, others = (np.array(side) for side in zip(*turned, strict=True))
    mass, share = there[here].sum(), back[others].sum()
    found = there.copy()
    if share > 0:
        found[here] = (there[here] + back[others] * mass / share) / 2
    return found


def tempered(given: Array, temperature: float) -> Array:
    """Probabilities at another temperature (Guo et al., ICML 2017): `given` to the power 1 / T, 1 in sum.

    Args:
        given: shape [..., 9], not all of them 0.
        temperature: above 0; above 1 makes less sure.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(given) / temperature
    powers = np.exp(logs - logs.max(-1, keepdims=True))
    scaled: Array = powers / powers.sum(-1, keepdims=True)
    return scaled


def fitted_temperature(given: Array, gold: Sequence[Relation]) -> float:
    """The temperature with the least mean log loss, between 1/100 and 100.

    In 1 / T the loss is convex; halving finds where its slope, the mean of expected minus gold log probability,
    changes sign.

    Args:
        given: probabilities, shape [n, 9], n above 0; 0 counts as the smallest number.
        gold: n relations.
    """
    logs = np.log(np.clip(given, np.finfo(np.float64).tiny, 1))
    told = (logs * _truth(gold)).sum(-1)
    low, high = -np.log(_HOTTEST), np.log(_HOTTEST)  # of the logarithm of 1 / T
    for _ in range(60):
        middle = (low + high) / 2
        scaled = logs * np.exp(middle)
        powers = np.exp(scaled - scaled.max(-1, keepdims=True))
        expected = (powers * logs).sum(-1) / powers.sum(-1)
        low, high = (low, middle) if (expected - told).mean() > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))


def _truth(gold: Sequence[Relation]) -> Array:
    truth: Array = np.eye(len(RELATIONS))[[RELATIONS.index(name) for name in gold]]
    return truth.reshape(-1, len(RELATIONS))
