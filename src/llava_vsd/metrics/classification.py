"""Accuracy and F1 of the nine relations, from confusion matrices, so that a thousand resamples cost one product.

The averages are those of scikit-learn (`f1_score` with `zero_division=0`), computed here because importing it takes
longer than scoring a test set. All scores are on the scale 0-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llava_vsd.errors import MismatchError
from llava_vsd.relations import RELATIONS, Relation

Average = Literal["micro", "macro", "weighted"]
AVERAGES: tuple[Average, ...] = ("micro", "macro", "weighted")

NO_ANSWER = len(RELATIONS)
"""The last column of a confusion matrix: triples to which no relation was given."""

_INDEX: dict[Relation | None, int] = {name: place for place, name in enumerate(RELATIONS)} | {None: NO_ANSWER}

Array = NDArray[np.float64]


class RelationScores(NamedTuple):
    """Scores of each relation, shape [..., 9] each, in the order of `RELATIONS`.

    Attributes:
        precision, recall, f1: 0 where there is nothing to divide by.
        support: triples that have the relation.
        predicted: triples to which it was given.
    """

    precision: Array
    recall: Array
    f1: Array
    support: Array
    predicted: Array


def confusion(
    gold: Sequence[Relation],
    predicted: Sequence[Relation | None],
    *,
    item: Sequence[int] | None = None,
    items: int = 1,
) -> Array:
    """Counts triples by gold relation (row) and given relation (column; the last one is `NO_ANSWER`).

    Args:
        gold, predicted: one a triple.
        item: the item of each triple, 0 <= item < `items`; without it all triples count as one item's.
        items: how many matrices to fill.

    Returns:
        shape [9, 10] without `item`, else [items, 9, 10]; sums of these are the matrix of a corpus or resample.

    Raises:
        MismatchError: unequal lengths.
    """
    if len(gold) != len(predicted):
        raise MismatchError(f"{len(gold)} gold relations but {len(predicted)} predicted ones")
    counts = np.zeros((items, len(RELATIONS), len(RELATIONS) + 1))
    places = np.zeros(len(gold), dtype=np.intp) if item is None else np.asarray(item, dtype=np.intp)
    rows = np.array([_INDEX[name] for name in gold], dtype=np.intp)
    columns = np.array([_INDEX[name] for name in predicted], dtype=np.intp)
    np.add.at(counts, (places, rows, columns), 1)
    return counts[0] if item is None else counts


def accuracy(matrix: Array) -> Array:
    """Share of triples with the gold relation; no answer is a wrong answer. Shape [..., 9, 10] to [...]."""
    return _share(_hits(matrix).sum(-1), matrix.sum((-1, -2)))


def relation_scores(matrix: Array) -> RelationScores:
    """Precision, recall and F1 of each relation against the rest. Shape [..., 9, 10] to [..., 9] each."""
    hits, support = _hits(matrix), matrix.sum(-1)
    predicted = matrix[..., :NO_ANSWER].sum(-2)
    return RelationScores(
        precision=_share(hits, predicted),
        recall=_share(hits, support),
        f1=_share(2 * hits, support + predicted),
        support=support,
        predicted=predicted,
    )


def f1(matrix: Array, average: Average) -> Array:
    """F1 over triples. Shape [..., 9, 10] to [...].

    `micro` pools hits over relations and equals accuracy where every triple has an answer; `macro` is the mean over
    the relations that occur, in the gold or among the answers; `weighted` is the mean by support.
    """
    scores = relation_scores(matrix)
    if average == "micro":
        return _share(2 * _hits(matrix).sum(-1), (scores.support + scores.predicted).sum(-1))
    weights = (
        scores.support if average == "weighted" else (scores.support + scores.predicted > 0).astype(float)
    )
    return _share((scores.f1 * weights).sum(-1), weights.sum(-1))


def relation_table(matrix: Array) -> dict[str, dict[str, Any]]:
    """One row a relation: precision, recall, f1 (0-1), support and predicted (counts), from one matrix [9, 10]."""
    scores = relation_scores(matrix)
    return {
        name: {
            "precision": float(scores.precision[place]),
            "recall": float(scores.recall[place]),
            "f1": float(scores.f1[place]),
            "support": int(scores.support[place]),
            "predicted": int(scores.predicted[place]),
        }
        for place, name in enumerate(RELATIONS)
    }


def _hits(matrix: Array) -> Array:
    return np.diagonal(matrix[..., :NO_ANSWER], axis1=-2, axis2=-1)


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)
