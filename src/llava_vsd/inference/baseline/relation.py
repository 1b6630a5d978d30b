"""The relation from names and boxes: three models, how they join, and what cross-validation says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, model_validator

from llava_vsd.errors import UsageError
from llava_vsd.inference.baseline.boxes import BoxesModel
from llava_vsd.inference.baseline.names import NamesModel
from llava_vsd.inference.baseline.networks import JointModel
from llava_vsd.inference.baseline.pool import Pool, Table, log_softmax
from llava_vsd.inference.baseline.statements import index, statements
from llava_vsd.inference.baseline.words import WordVectors
from llava_vsd.metrics.calibration import binned, expected_calibration_error, log_loss
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Triple

Features = Literal["names", "boxes", "both"]
FEATURES: tuple[Features, ...] = get_args(Features)

_FOLDS = 5
FIT_STEPS = _FOLDS + 1


class Fold(NamedTuple):
    """Items to learn from, the triples of the others, and where those stand among all triples."""

    learn: list[Item]
    ask: list[Triple]
    asked: NDArray[np.intp]
    learned: NDArray[np.intp]


class Summary(NamedTuple):
    """How good probabilities are: accuracy and calibration error 0-1, log loss in nats."""

    accuracy: float
    log_loss: float
    calibration_error: float

    @classmethod
    def of(cls, probabilities: Table, labels: NDArray[np.intp]) -> Summary:
        """Of probabilities, shape [triples, relations], given the right column of each."""
        right = probabilities.argmax(axis=1) == labels
        bins = binned(probabilities.max(axis=1), right.astype(np.float64)).sum(axis=0)
        loss = log_loss(probabilities, [RELATIONS[label] for label in labels])
        return cls(float(right.mean()), float(loss.mean()), float(expected_calibration_error(bins)))


class Validation(NamedTuple):
    """What models say of items that they have not learned from.

    Attributes:
        labels: the right column of each triple.
        log_probabilities: of each relation, shape [triples, relations], by kind of features; `prior` is the
            share of each relation in the training folds.
    """

    labels: NDArray[np.intp]
    log_probabilities: dict[str, Table]

    def summaries(self) -> dict[str, Summary]:
        """By kind of features."""
        return {
            features: Summary.of(np.exp(table), self.labels)
            for features, table in self.log_probabilities.items()
        }


class RelationModel(BaseModel):
    """Says how likely each relation is, from the names, from the boxes, or from both.

    Of names and of boxes there is one model each. Both are a product of the two and of a third, which looks for
    what only names and boxes together tell.
    """

    vectors: WordVectors
    names: NamesModel
    boxes: BoxesModel
    joint: JointModel
    pools: dict[Features, Pool]

    @model_validator(mode="after")
    def _fits(self) -> RelationModel:
        found = {features: len(pool.weights) for features, pool in self.pools.items()}
        if found != {"names": 1, "boxes": 1, "both": 3}:
            raise ValueError(f"pools: {found} experts, expected 1 for names, 1 for boxes and 3 for both")
        return self

    @classmethod
    def fit(
        cls, items: Sequence[Item], *, seed: int = 0, step: Callable[[], None] = lambda: None
    ) -> tuple[RelationModel, Validation]:
        """Learns from labelled items.

        All is fitted twice: by cross-validation over items, for what the pools and the joint model need to know
        of the first two on unseen items, and on everything.

        Args:
            items: two or more.
            seed: of the folds and of what is random in fitting.
            step: called `FIT_STEPS` times, or less often where there are fewer items than folds.

        Returns:
            the model, and what cross-validation says of it. Pools are for this fitted on the other folds.

        Raises:
            UsageError: fewer than two items.
        """
        if len(items) < 2:
            raise UsageError(
                "baseline fit: fewer than two items; expected more to learn from and to check on"
            )
        triples = [triple for item in items for triple in item.triples]
        labels = np.array([index(triple.relation) for triple in triples])
        folds = list(_folds(items, seed))
        names, boxes, joint, prior = (np.zeros((len(triples), len(RELATIONS))) for _ in range(4))
        fold_vectors = []
        for fold in folds:
            vectors = WordVectors.fit(fold.learn, seed=seed)
            fold_vectors.append(vectors)
            by_names = NamesModel.fit(list(statements(fold.learn)), vectors)
            names[fold.asked] = log_softmax(by_names.logits(_pairs(fold.ask), vectors))
            learned = [triples[place] for place in fold.learned]
            boxes[fold.asked] = log_softmax(BoxesModel.fit(learned, seed=seed).logits(fold.ask))
            counts = np.bincount(labels[fold.learned], minlength=len(RELATIONS)) + 1.0
            prior[fold.asked] = np.log(counts / counts.sum())
            step()
        for fold, vectors in zip(folds, fold_vectors, strict=True):
            learned = [triples[place] for place in fold.learned]
            nets = JointModel.fit(learned, names[fold.learned], vectors, seed=seed)
            joint[fold.asked] = nets.log_probabilities(fold.ask, names[fold.asked], vectors)

        experts: dict[Features, list[Table]] = {
            "names": [names], "boxes": [boxes], "both": [names, boxes, joint]
        }  # fmt: skip
        said = {"prior": prior}
        for features, tables in experts.items():
            checked = np.zeros_like(prior)
            for fold in folds:
                pool = Pool.fit([table[fold.learned] for table in tables], labels[fold.learned])
                checked[fold.asked] = pool.log_probabilities([table[fold.asked] for table in tables])
            said[features] = checked
        vectors = WordVectors.fit(items, seed=seed)
        model = cls(
            vectors=vectors,
            names=NamesModel.fit(list(statements(items)), vectors),
            boxes=BoxesModel.fit(triples, seed=seed),
            joint=JointModel.fit(triples, names, vectors, seed=seed),
            pools={features: Pool.fit(tables, labels) for features, tables in experts.items()},
        )
        step()
        return model, Validation(labels, said)

    def probabilities(self, triples: Sequence[Triple], features: Features) -> NDArray[np.float64]:
        """How likely each relation is for each triple, shape [triples, relations]; their labels are not read."""
        experts = []
        if features != "boxes":
            experts.append(log_softmax(self.names.logits(_pairs(triples), self.vectors)))
        if features != "names":
            experts.append(log_softmax(self.boxes.logits(triples)))
        if features == "both":
            experts.append(self.joint.log_probabilities(triples, experts[0], self.vectors))
        return np.asarray(np.exp(self.pools[features].log_probabilities(experts)))


def _pairs(triples: Sequence[Triple]) -> list[tuple[str, str]]:
    return [(triple.subject, triple.object) for triple in triples]


def _folds(items: Sequence[Item], seed: int) -> Iterator[Fold]:
    """Splits by item, since the triples of one picture are told apart by nothing but their boxes."""
    count = min(_FOLDS, len(items))
    of_item = np.empty(len(items), np.intp)
    of_item[np.random.default_rng(seed).permutation(len(items))] = np.arange(len(items)) % count
    of_triple = np.repeat(of_item, [len(item.triples) for item in items])
    for fold in range(count):
        learn = [item for item, other in zip(items, of_item, strict=True) if other != fold]
        ask = [
            triple for item, own in zip(items, of_item, strict=True) if own == fold for triple in item.triples
        ]
        yield Fold(learn, ask, np.flatnonzero(of_triple == fold), np.flatnonzero(of_triple != fold))
