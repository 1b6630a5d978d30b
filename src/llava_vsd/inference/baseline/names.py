"""How far the two names go: a log-linear model of the relation given subject and object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from llava_vsd.inference.baseline.arrays import Floats, expect
from llava_vsd.inference.baseline.statements import Statement, index
from llava_vsd.inference.baseline.words import DIMENSIONS, WordVectors, head, words
from llava_vsd.relations import RELATIONS

Pairs = Sequence[tuple[str, str]]
"""Subject and object of each triple."""

_CROSSED = 15  # leading dimensions of the two vectors whose products are features
_DENSE = 2 * DIMENSIONS + _CROSSED**2
_CROSS_SCALE = 2.0
_GRAMS = (3, 4)
_GRAM_VALUE = 0.5
_LEAST = 2  # examples that must know a feature
_C = 0.1  # inverse strength of the ridge penalty
_PRIOR_WEIGHT = 0.1  # of one example without features for each relation, so that each is known


def features(subject: str, object: str) -> Iterator[tuple[str, float]]:
    """The sparse features of a pair with their values: names, words, heads, character n-grams, and the pair."""
    for role, name in (("s", subject), ("o", object)):
        name = name.lower()
        yield f"{role}={name}", 1.0
        yield f"{role}h={head(name)}", 1.0
        for word in set(words(name)):
            yield f"{role}w={word}", 1.0
        marked = f"^{name}$"
        for gram in {marked[at : at + n] for n in _GRAMS for at in range(len(marked) - n + 1)}:
            yield f"{role}c={gram}", _GRAM_VALUE
    yield f"p={subject.lower()}|{object.lower()}", 1.0
    yield f"ph={head(subject)}|{head(object)}", 1.0
    if head(subject) == head(object):
        yield "same", 1.0


class NamesModel(BaseModel):
    """Multinomial logistic regression over `features`, word vectors, and products of the two vectors.

    Attributes:
        vocabulary: the sparse features.
        weights: shape [relations, sparse features + dense features].
        bias: shape [relations].
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    vocabulary: list[str]
    weights: Floats
    bias: Floats

    @model_validator(mode="after")
    def _fits(self) -> NamesModel:
        expect("weights", self.weights, "float32", len(RELATIONS), len(self.vocabulary) + _DENSE)
        expect("bias", self.bias, "float32", len(RELATIONS))
        self._columns = {feature: column for column, feature in enumerate(self.vocabulary)}
        return self

    @classmethod
    def fit(cls, examples: Sequence[Statement], vectors: WordVectors) -> NamesModel:
        """Learns from statements, each with its weight."""
        pairs = [(example.subject, example.object) for example in examples]
        counts = Counter(feature for pair in pairs for feature, _ in features(*pair))
        vocabulary = sorted(feature for feature, count in counts.items() if count >= _LEAST)
        columns = {feature: column for column, feature in enumerate(vocabulary)}
        nothing = sparse.csr_matrix((len(RELATIONS), len(vocabulary) + _DENSE))
        known = sparse.vstack([_design(pairs, columns, vectors), nothing], format="csr")
        labels = [index(example.relation) for example in examples] + list(range(len(RELATIONS)))
        weights = [example.weight for example in examples] + [_PRIOR_WEIGHT] * len(RELATIONS)
        fitted = LogisticRegression(C=_C, max_iter=1000).fit(known, labels, weights)
        return cls(
            vocabulary=vocabulary,
            weights=fitted.coef_.astype(np.float32),
            bias=fitted.intercept_.astype(np.float32),
        )

    def logits(self, pairs: Pairs, vectors: WordVectors) -> NDArray[np.float64]:
        """Scores before normalisation, shape [pairs, relations]."""
        known = _design(pairs, self._columns, vectors)
        return np.asarray(known @ self.weights.T.astype(np.float64)) + self.bias


def _design(pairs: Pairs, columns: dict[str, int], vectors: WordVectors) -> sparse.csr_matrix:
    values, places, ends = [], [], [0]
    for pair in pairs:
        for feature, value in features(*pair):
            column = columns.get(feature)
            if column is not None:
                values.append(value)
                places.append(column)
        ends.append(len(places))
    words_known = sparse.csr_matrix((values, places, ends), shape=(len(pairs), len(columns)))
    subjects, objects = (vectors([pair[role] for pair in pairs]) for role in (0, 1))
    crossed = subjects[:, :_CROSSED, None] * objects[:, None, :_CROSSED]
    dense = np.hstack([subjects, objects, _CROSS_SCALE * crossed.reshape(len(pairs), _CROSSED**2)])
    return sparse.hstack([words_known, sparse.csr_matrix(dense, dtype=np.float64)], format="csr")
