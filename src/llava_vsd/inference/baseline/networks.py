"""What names and boxes tell together that neither tells alone: small neural networks over both."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from llava_vsd.inference.baseline.arrays import Floats, expect
from llava_vsd.inference.baseline.geometry import FEATURES, geometry
from llava_vsd.inference.baseline.pool import log_softmax
from llava_vsd.inference.baseline.statements import index
from llava_vsd.inference.baseline.words import WordVectors
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Triple

_NETWORKS = 4
_HIDDEN = 48
_EPOCHS = 15
_LEARNING_RATE = 2e-3
_BATCH = 128
_PENALTY = 1.0
_VECTOR_DIMENSIONS = 10  # of each name's vector that the networks see
_INPUTS = len(FEATURES) + len(RELATIONS) + 2 * _VECTOR_DIMENSIONS
_FARTHEST = 8.0  # standard deviations that an input can lie from the mean
_FLOOR = np.log(1e-3)  # of the names model's log probabilities


class JointModel(BaseModel):
    """The mean of several networks with one hidden layer (rectified linear units).

    Inputs are the geometry of the boxes, the names model's log probabilities, and the leading dimensions of the
    names' vectors.

    Attributes:
        mean, scale: of the inputs, shape [inputs].
        hidden, hidden_bias: shape [networks, inputs, hidden] and [networks, hidden].
        output, output_bias: shape [networks, hidden, relations] and [networks, relations].
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    @model_validator(mode="after")
    def _fits(self) -> JointModel:
        count, width = len(self.hidden), self.hidden_bias.shape[-1]
        expect("mean", self.mean, "float32", _INPUTS)
        expect("scale", self.scale, "float32", _INPUTS)
        expect("hidden", self.hidden, "float32", None, _INPUTS, width)
        expect("hidden_bias", self.hidden_bias, "float32", count, width)
        expect("output", self.output, "float32", count, width, len(RELATIONS))
        expect("output_bias", self.output_bias, "float32", count, len(RELATIONS))
        if not count or not (self.scale > 0).all():
            raise ValueError("hidden, scale: expected a network or more, and scales above 0")
        return self

    @classmethod
    def fit(
        cls, triples: Sequence[Triple], names: NDArray[np.float64], vectors: WordVectors, *, seed: int
    ) -> JointModel:
        """Learns from labelled triples.

        Args:
            triples: with their labels.
            names: log probabilities of the names model for them, shape [triples, relations], from models that
                have not seen their labels: else the networks would trust the names too much.
            vectors: of words.
            seed: of starting weights and order.
        """
        known = _inputs(triples, names, vectors)
        mean, scale = known.mean(axis=0), known.std(axis=0)
        scale = np.where(scale > 1e-6, scale, 1)
        # One average example for each relation, so that each is known.
        inputs = np.clip((known - mean) / scale, -_FARTHEST, _FARTHEST)
        design = np.vstack([inputs, np.zeros((len(RELATIONS), _INPUTS))])
        labels = [index(triple.relation) for triple in triples] + list(range(len(RELATIONS)))
        networks = [_trained(design, labels, seed + place) for place in range(_NETWORKS)]
        weights = [np.stack(layers).astype(np.float32) for layers in zip(*networks, strict=True)]
        return cls(
            mean=mean.astype(np.float32), scale=scale.astype(np.float32),
            hidden=weights[0], hidden_bias=weights[1], output=weights[2], output_bias=weights[3],
        )  # fmt: skip

    def log_probabilities(
        self, triples: Sequence[Triple], names: NDArray[np.float64], vectors: WordVectors
    ) -> NDArray[np.float64]:
        """Of each relation, shape [triples, relations]; arguments as in `fit`."""
        known = np.clip((_inputs(triples, names, vectors) - self.mean) / self.scale, -_FARTHEST, _FARTHEST)
        total = np.zeros((len(known), len(RELATIONS)))
        for hidden, hidden_bias, output, output_bias in zip(
            self.hidden, self.hidden_bias, self.output, self.output_bias, strict=True
        ):
            active = np.maximum(known @ hidden.astype(np.float64) + hidden_bias, 0)
            total += np.exp(log_softmax(active @ output.astype(np.float64) + output_bias))
        return np.asarray(np.log(np.maximum(total / len(self.hidden), 1e-30)))


def _trained(design: NDArray[np.float64], labels: list[int], seed: int) -> tuple[NDArray[np.float64], ...]:
    network = MLPClassifier(
        (_HIDDEN,),
        alpha=_PENALTY,
        batch_size=min(_BATCH, len(design)),
        learning_rate_init=_LEARNING_RATE,
        max_iter=_EPOCHS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # stopping early is what keeps it from overfitting
        network.fit(design, labels)
    return network.coefs_[0], network.intercepts_[0], network.coefs_[1], network.intercepts_[1]


def _inputs(
    triples: Sequence[Triple], names: NDArray[np.float64], vectors: WordVectors
) -> NDArray[np.float64]:
    subjects = vectors([triple.subject for triple in triples])[:, :_VECTOR_DIMENSIONS]
    objects = vectors([triple.object for triple in triples])[:, :_VECTOR_DIMENSIONS]
    return np.hstack([geometry(triples), np.maximum(names, _FLOOR), subjects, objects]).astype(np.float64)
